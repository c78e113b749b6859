package dev.perennial.server.cli;

import dev.perennial.server.chaos.ChaosReport;
import dev.perennial.server.chaos.ChaosRun;
import dev.perennial.server.chaos.Kind;
import dev.perennial.server.chaos.LocalCluster;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code perennial chaos}: members of a cluster are killed, and nothing acknowledged may be lost.
 */
@Command(
    name = "chaos",
    description =
        "Start a cluster here, kill its members again and again while it learns and answers, and"
            + " check that nothing acknowledged is lost. Exit code 1 where something was.")
public final class ChaosCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--members", paramLabel = "N", description = "Processes, 2..9.")
  private int members = 3;

  @Option(names = "--kills", paramLabel = "N", description = "Blows, some seconds each.")
  private int kills = 100;

  @Option(names = "--seed", paramLabel = "N", description = "Of who is hit when.")
  private long seed = 1;

  @Option(
      names = "--kinds",
      split = ",",
      paramLabel = "KIND",
      description = "${COMPLETION-CANDIDATES} (default: all, each with its share).")
  private List<Kind> kinds = List.of();

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Of the members (default: the built-in tiny model).")
  private @Nullable Path model;

  @Option(
      names = "--heartbeat-timeout",
      defaultValue = "5s",
      paramLabel = "TIME",
      description = "A member that is silent for so long is given up.")
  private Duration heartbeatTimeout = Duration.ZERO;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Keeps disks and logs (default: a temporary directory).")
  private @Nullable Path data;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the counts here, too (default: nowhere).")
  private @Nullable Path json;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = Commands.spec(spec).commandLine().getOut();
    Path directory =
        data == null
            ? Files.createTempDirectory("perennial-chaos")
            : Files.createDirectories(data).toAbsolutePath();
    Set<Kind> wanted = kinds.isEmpty() ? EnumSet.allOf(Kind.class) : EnumSet.copyOf(kinds);
    ChaosRun.Plan plan =
        new ChaosRun.Plan(
            members,
            kills,
            seed,
            wanted,
            directory,
            new LocalCluster.Settings(model, heartbeatTimeout, Duration.ofSeconds(2)));
    out.printf("%d members in %s%n", members, directory);
    out.flush();
    ChaosReport report;
    try (ChaosRun run = new ChaosRun(plan)) {
      Runtime.getRuntime().addShutdownHook(new Thread(run::close, "stop"));
      report = run.run(new Lines(out, kills));
    }
    out.print(report.table());
    out.flush();
    if (json != null) {
      Files.writeString(json, report.json());
    }
    return report.clean() ? 0 : 1;
  }

  /** A line for each blow. */
  private static final class Lines implements ChaosRun.Listener {
    private final PrintWriter out;
    private final int kills;
    private long startNanos = System.nanoTime();

    Lines(PrintWriter out, int kills) {
      this.out = out;
      this.kills = kills;
    }

    @Override
    public void started() {
      startNanos = System.nanoTime();
    }

    @Override
    public void survived(
        int number, Kind kind, String victim, double recoverySeconds, List<String> findings) {
      double elapsed = (System.nanoTime() - startNanos) / 1e9;
      out.printf(
          Locale.ROOT,
          "%d/%d %s, %s: all back in %.1f s, about %.0f s left%n",
          number,
          kills,
          kind.key(),
          kind == Kind.WHOLE_CLUSTER ? "all" : victim,
          recoverySeconds,
          elapsed / number * (kills - number));
      findings.forEach(out::println);
      out.flush();
    }
  }
}
