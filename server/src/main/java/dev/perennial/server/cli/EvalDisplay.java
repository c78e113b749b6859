package dev.perennial.server.cli;

import dev.perennial.server.eval.EvalRow;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.Evaluation;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.LongSupplier;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Shows how an evaluation goes on. Called by one thread at a time. */
interface EvalDisplay extends Evaluation.Listener, AutoCloseable {
  @Override
  void close();

  /** A bar on a terminal, lines elsewhere; both with the time left. */
  static EvalDisplay forPeople(PrintWriter out) {
    return Commands.onTerminal() ? new Bar() : new Lines(out, System::nanoTime);
  }

  /** One bar over all stages of all methods and seeds. */
  final class Bar implements EvalDisplay {
    private @Nullable ProgressBar bar;

    @Override
    public void started(int stages, int done) {
      bar =
          new ProgressBarBuilder()
              .setTaskName("eval")
              .setUnit(" stages", 1)
              .setInitialMax(stages)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(200)
              .startsFrom(done, Duration.ZERO)
              .build();
    }

    @Override
    public void learning(EvalRow row, long seed, EvalTask task, double share, String figures) {
      say(
          String.format(
              Locale.ROOT,
              " %s, seed %d: %s %.0f %%, %s",
              row.name(),
              seed,
              task.name(),
              100 * share,
              figures));
    }

    @Override
    public void tested(EvalRow row, long seed, int learnt, double[] accuracies) {
      if (bar != null) {
        bar.step();
      }
      say(String.format(Locale.ROOT, " %s, seed %d: %d learnt", row.name(), seed, learnt));
    }

    private void say(String text) {
      if (bar != null) {
        bar.setExtraMessage(text);
      }
    }

    @Override
    public void close() {
      if (bar != null) {
        bar.close();
      }
    }
  }

  /** A line for each stage. */
  final class Lines implements EvalDisplay {
    private final PrintWriter out;
    private final LongSupplier nanoTime;
    private int stages;
    private int done;
    private int doneBefore;
    private long startNanos;

    Lines(PrintWriter out, LongSupplier nanoTime) {
      this.out = out;
      this.nanoTime = nanoTime;
    }

    @Override
    public void started(int inAll, int before) {
      stages = inAll;
      done = before;
      doneBefore = before;
      startNanos = nanoTime.getAsLong();
      if (before > 0) {
        out.printf("%d of %d stages were done before%n", before, inAll);
        out.flush();
      }
    }

    @Override
    public void learning(EvalRow row, long seed, EvalTask task, double share, String figures) {}

    @Override
    public void tested(EvalRow row, long seed, int learnt, double[] accuracies) {
      done++;
      double elapsed = (nanoTime.getAsLong() - startNanos) / 1e9;
      double left = elapsed / (done - doneBefore) * (stages - done);
      out.printf(
          Locale.ROOT,
          "%d/%d %s, seed %d: %d learnt, mean %.1f %%, about %.0f s left%n",
          done,
          stages,
          row.name(),
          seed,
          learnt,
          Arrays.stream(accuracies).average().orElse(0),
          left);
      out.flush();
    }

    @Override
    public void close() {}
  }
}
