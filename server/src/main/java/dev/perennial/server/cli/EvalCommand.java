package dev.perennial.server.cli;

import dev.perennial.client.PerennialClient;
import dev.perennial.client.TrainingJob;
import dev.perennial.client.TrainingOptions;
import dev.perennial.server.Server;
import dev.perennial.server.ServerConfig;
import dev.perennial.server.device.DevicesConfig;
import dev.perennial.server.eval.Domain;
import dev.perennial.server.eval.EvalReport;
import dev.perennial.server.eval.Protocol;
import dev.perennial.server.eval.ServedMethod;
import dev.perennial.server.world.MiniMtil;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code perennial eval}: the continual-learning protocol through a server's own Train and
 * Classify.
 */
@Command(
    name = "eval",
    description =
        "Teach mini-MTIL's domains in order through Train; test all of them through Classify.")
public final class EvalCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--target",
      paramLabel = "HOST:PORT",
      description = "A running server (default: one is started here).")
  private @Nullable String target;

  @Option(
      names = "--devices",
      split = ",",
      paramLabel = "DEVICE",
      description = "Devices of the server that is started here.")
  private List<String> devices = DevicesConfig.DEFAULT.devices();

  @Option(names = "--shots", paramLabel = "N", description = "Training images of each class.")
  private int shots = MiniMtil.TRAIN_PER_CLASS;

  @Option(names = "--tests", paramLabel = "N", description = "Test images of each class.")
  private int tests = MiniMtil.TEST_PER_CLASS;

  @Option(
      names = "--seeds",
      split = ",",
      paramLabel = "N",
      description = "One run each: its training images, initialisation and order.")
  private List<Long> seeds = List.of(0L);

  @Option(names = "--recipe", description = "${COMPLETION-CANDIDATES}.")
  private TrainingOptions.Recipe recipe = TrainingOptions.Recipe.ROBUST;

  @Option(names = "--gate", description = "${COMPLETION-CANDIDATES}.")
  private TrainingOptions.Gate gate = TrainingOptions.Gate.ROBUST;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "All matrices and their metrics, for machines.")
  private @Nullable Path json;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = Commands.spec(spec).commandLine().getOut();
    EvalReport report = target == null ? onOwnServer(out) : onServer(out, target);
    out.print(report.table());
    out.flush();
    if (json != null) {
      Files.writeString(json, report.json() + "\n");
    }
    return 0;
  }

  private EvalReport onOwnServer(PrintWriter out) {
    ServerConfig config =
        ServerConfig.DEFAULT.onFreePort().withDevices(DevicesConfig.DEFAULT.on(devices));
    try (Server server = Commands.startServer(config)) {
      return onServer(out, "127.0.0.1:" + server.port());
    }
  }

  private EvalReport onServer(PrintWriter out, String address) {
    List<Protocol.Run> runs = new ArrayList<>();
    try (PerennialClient client = PerennialClient.builder().target(address).build()) {
      for (long seed : seeds) {
        ServedMethod method =
            new ServedMethod(client, TrainingOptions.DEFAULTS.recipe(recipe).gate(gate).seed(seed));
        List<Domain> domains = Domain.miniMtil(shots, tests, seed);
        try (Display display = new Display(out, seed, domains.size())) {
          runs.add(Protocol.run(method, domains, seed, display));
        }
      }
    }
    return new EvalReport(
        "mini-mtil",
        gate == TrainingOptions.Gate.PAPER ? "diki-paper" : "diki",
        shots,
        MiniMtil.tasks().stream().map(task -> task.name()).toList(),
        runs);
  }

  /** A bar over all tests of one run on a terminal, a line for each test elsewhere. */
  private static final class Display implements Protocol.Progress, AutoCloseable {
    private final PrintWriter out;
    private final @Nullable ProgressBar bar;

    Display(PrintWriter out, long seed, int domains) {
      this.out = out;
      bar =
          Commands.onTerminal()
              ? new ProgressBar("seed " + seed, (long) domains * (domains + 1))
              : null;
    }

    @Override
    public void learning(Domain domain, TrainingJob job) {
      TrainingJob.Progress progress = job.progress();
      if (bar != null && progress != null) {
        bar.setExtraMessage(domain.name() + ": " + TrainDisplay.figures(progress));
      }
    }

    @Override
    public void tested(int learnt, Domain domain, double accuracy) {
      String text =
          String.format(Locale.ROOT, "%d learnt: %s %.1f %%", learnt, domain.name(), accuracy);
      if (bar != null) {
        bar.step();
        bar.setExtraMessage(text);
      } else {
        out.println(text);
        out.flush();
      }
    }

    @Override
    public void close() {
      if (bar != null) {
        bar.close();
      }
    }
  }
}
