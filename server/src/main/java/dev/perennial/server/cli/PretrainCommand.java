package dev.perennial.server.cli;

import dev.perennial.server.clip.ContrastiveTraining;
import dev.perennial.server.pretraining.Pretraining;
import dev.perennial.server.pretraining.ZeroShotReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code perennial pretrain}: builds the tiny CLIP, or reports what a model can do untaught. */
@Command(
    name = "pretrain",
    description = "Build the built-in model from nothing, on a procedural world of pictures.")
public final class PretrainCommand implements Callable<Integer> {
  private static final int LINE_EVERY = 50;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--out",
      required = true,
      showDefaultValue = Visibility.NEVER,
      paramLabel = "DIR",
      description = "Where the model directory is written; there at every report, too.")
  private Path out = Path.of("");

  @Option(
      names = "--from",
      paramLabel = "DIR",
      description = "Go on from the model in this directory instead of from nothing.")
  private @Nullable Path from;

  @Option(names = "--steps", paramLabel = "N", description = "Steps of training.")
  private int steps = 4000;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "Follow the clock instead: end after so many seconds (not repeatable).")
  private @Nullable Integer seconds;

  @Option(names = "--seed", paramLabel = "N", description = "Of weights and pictures.")
  private long seed;

  @Option(names = "--batch-size", paramLabel = "N", description = "Pictures in a step.")
  private int batchSize = 128;

  @Option(names = "--learning-rate", paramLabel = "X", description = "Its highest value.")
  private double learningRate = 1e-3;

  @Option(
      names = "--report-every",
      paramLabel = "N",
      description = "Steps between zero-shot reports.")
  private int reportEvery = 500;

  @Option(names = "--device", paramLabel = "NAME", description = "cpu or cuda:N.")
  private String device = "cpu";

  @Option(
      names = "--report-only",
      description = "Train nothing; report what the model in --out can do.")
  private boolean reportOnly;

  @Override
  public Integer call() throws IOException {
    PrintWriter console = Commands.spec(spec).commandLine().getOut();
    if (reportOnly) {
      console.println(Pretraining.report(out, device).summary());
      return 0;
    }
    int limit = seconds == null ? steps : Integer.MAX_VALUE;
    Duration time = seconds == null ? null : Duration.ofSeconds(seconds);
    Pretraining.Config config = config(limit, time);
    try (Progress progress = new Progress(console, seconds == null ? steps : -1, batchSize)) {
      ZeroShotReport report = new Pretraining(config, progress).run();
      progress.report("the files in " + out, report);
    }
    return 0;
  }

  private Pretraining.Config config(int limit, @Nullable Duration time) {
    try {
      return new Pretraining.Config(
          out, from, device, limit, time, seed, batchSize, learningRate, reportEvery);
    } catch (IllegalArgumentException e) {
      throw Usage.error(spec, e);
    }
  }

  /** A bar for people, lines for logs. */
  private static final class Progress implements Pretraining.Listener, AutoCloseable {
    private final PrintWriter console;
    private final int steps;
    private final int batchSize;
    private final long start = System.nanoTime();
    private final @Nullable ProgressBar bar;
    private double contrastive;
    private double auxiliary;

    /**
     * @param steps in all; -1 if that is unknown
     */
    Progress(PrintWriter console, int steps, int batchSize) {
      this.console = console;
      this.steps = steps;
      this.batchSize = batchSize;
      this.bar =
          !Commands.onTerminal()
              ? null
              : new ProgressBarBuilder()
                  .setTaskName("pretrain")
                  .setUnit(" steps", 1)
                  .showSpeed()
                  .setInitialMax(steps)
                  .setStyle(ProgressBarStyle.ASCII)
                  .build();
    }

    @Override
    public void step(int step, ContrastiveTraining.Step losses) {
      contrastive += losses.contrastiveLoss();
      auxiliary += losses.auxiliaryLoss();
      if (bar != null) {
        bar.step();
      }
      if (step % LINE_EVERY == 0) {
        line(step, losses.logitScale());
      }
    }

    private void line(int step, double logitScale) {
      double elapsed = (System.nanoTime() - start) / 1e9;
      String losses =
          String.format(
              Locale.ROOT,
              "loss %.3f auxiliary %.3f logit scale %.1f",
              contrastive / LINE_EVERY,
              auxiliary / LINE_EVERY,
              logitScale);
      contrastive = 0;
      auxiliary = 0;
      if (bar != null) {
        bar.setExtraMessage(losses);
        return;
      }
      String left =
          steps < 0
              ? ""
              : String.format(Locale.ROOT, ", %.0f s left", elapsed / step * (steps - step));
      console.printf(
          Locale.ROOT,
          "step %d of %d, %s, %.0f pictures/s, %.0f s%s%n",
          step,
          steps,
          losses,
          step * batchSize / elapsed,
          elapsed,
          left);
    }

    @Override
    public void report(int step, ZeroShotReport report) {
      report("step " + step, report);
    }

    void report(String what, ZeroShotReport report) {
      console.println(what + ": " + report.summary());
    }

    @Override
    public void close() {
      if (bar != null) {
        bar.close();
      }
    }
  }
}
