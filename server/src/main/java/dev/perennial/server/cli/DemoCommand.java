package dev.perennial.server.cli;

import dev.perennial.client.PerennialClient;
import dev.perennial.client.TrainingOptions;
import dev.perennial.server.Server;
import dev.perennial.server.ServerConfig;
import dev.perennial.server.eval.Demonstration;
import dev.perennial.server.eval.TaughtServer;
import dev.perennial.server.eval.data.MiniMtilSuite;
import dev.perennial.server.eval.data.Suite;
import dev.perennial.server.eval.data.TaskData;
import dev.perennial.server.world.MiniMtil;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code perennial demo}: a running server is taught one new domain; three others are left alone.
 */
@Command(
    name = "demo",
    description = "Start a server, teach it a new domain through gRPC, and show what that changed.")
public final class DemoCommand implements Callable<Integer> {
  private static final List<String> UNTOUCHED = List.of("sketch", "digits", "textures");

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--domain",
      paramLabel = "NAME",
      description = "The domain of mini-MTIL that is taught.")
  private String domain = "signs";

  @Option(names = "--shots", paramLabel = "N", description = "Training images of each class.")
  private int shots = MiniMtil.TRAIN_PER_CLASS;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of the training.")
  private long seed;

  @Option(
      names = "--sheet",
      paramLabel = "FILE",
      description = "A PNG of images with their answers and w.")
  private Path sheet = Path.of("perennial-demo.png");

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Accuracies before and after, for machines.")
  private @Nullable Path json;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = Commands.spec(spec).commandLine().getOut();
    Suite suite = new MiniMtilSuite();
    TaskData taught = suite.task(domain, shots, MiniMtil.SEED);
    List<TaskData> untouched =
        UNTOUCHED.stream()
            .filter(name -> !name.equals(domain))
            .map(name -> suite.task(name, shots, MiniMtil.SEED))
            .toList();
    try (Server server = Commands.startServer(ServerConfig.DEFAULT.onFreePort());
        PerennialClient client =
            PerennialClient.builder().target("127.0.0.1:" + server.port()).build()) {
      out.printf("server on port %d; teaching %s%n", server.port(), taught.name());
      TaughtServer taughtServer = new TaughtServer(client, TrainingOptions.DEFAULTS.seed(seed));
      Demonstration demonstration;
      try (TrainDisplay display = TrainDisplay.forPeople(out, taught.train().size())) {
        demonstration = Demonstration.run(taughtServer, taught, untouched, display);
      }
      out.println();
      out.print(demonstration.table());
      demonstration.writeSheet(sheet);
      out.printf("%nlook at %s%n", sheet.toAbsolutePath());
      if (json != null) {
        Files.writeString(json, demonstration.json() + "\n");
      }
      out.flush();
    }
    return 0;
  }
}
