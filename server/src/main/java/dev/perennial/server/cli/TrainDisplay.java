package dev.perennial.server.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.perennial.client.PerennialException;
import dev.perennial.client.TrainingJob;
import dev.perennial.client.TrainingJob.Progress;
import dev.perennial.client.TrainingListener;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Shows how an upload and its training go on. */
interface TrainDisplay extends TrainingListener, AutoCloseable {
  /** The last word. */
  void finished(TrainingJob job);

  @Override
  void close();

  /**
   * Bars on a terminal, lines elsewhere.
   *
   * @param examples in all; -1 where that is unknown
   */
  static TrainDisplay forPeople(PrintWriter out, long examples) {
    return Commands.onTerminal() ? new Bars(out, examples) : new Lines(out);
  }

  /** One sentence about a job that has ended. */
  static String sentence(TrainingJob job) {
    Progress progress = job.progress();
    StringBuilder text = new StringBuilder();
    text.append(job.task()).append(": ").append(job.state().name().toLowerCase(Locale.ROOT));
    if (job.versionId() != null) {
      text.append(", version ").append(job.versionId()).append(" from epoch ").append(job.epoch());
    }
    if (job.contributionId() != null) {
      text.append(", contribution ").append(job.contributionId());
      text.append(" of ").append(job.examples()).append(" examples");
      text.append(" from epoch ").append(job.epoch());
    }
    if (progress != null
        && progress.validationAccuracyBefore().isPresent()
        && progress.validationAccuracyBest().isPresent()) {
      text.append(
          String.format(
              Locale.ROOT,
              ", held-out accuracy %.1f %% before, %.1f %% now",
              100 * progress.validationAccuracyBefore().getAsDouble(),
              100 * progress.validationAccuracyBest().getAsDouble()));
    }
    if (job.error() != null) {
      text.append(", ").append(job.error());
    }
    return text.toString();
  }

  /** Loss and accuracy in few characters. */
  static String figures(Progress progress) {
    return String.format(
        Locale.ROOT,
        "epoch %d/%d loss %.3f accuracy %.1f %%",
        progress.epoch(),
        progress.epochs(),
        progress.loss(),
        100 * progress.accuracy());
  }

  /** Two bars, one for the upload and one for the steps: for a terminal. */
  final class Bars implements TrainDisplay {
    private final PrintWriter out;
    private final long examples;
    private @Nullable ProgressBar upload;
    private @Nullable ProgressBar steps;

    /**
     * @param examples in all; -1 where that is unknown
     */
    Bars(PrintWriter out, long examples) {
      this.out = out;
      this.examples = examples;
    }

    @Override
    public void uploading(int attempt) {
      close();
      upload = bar("upload", "images", examples);
    }

    @Override
    public void sent(long count) {
      if (upload != null) {
        upload.stepTo(count);
      }
    }

    @Override
    public void rejected(long index, PerennialException error) {
      out.printf("example %d: %s%n", index, error);
    }

    @Override
    public void changed(TrainingJob job) {
      if (upload != null) {
        upload.close();
        upload = null;
      }
      Progress progress = job.progress();
      if (progress == null) {
        return;
      }
      if (steps == null) {
        steps = bar("train", "steps", progress.steps());
      }
      steps.maxHint(progress.steps());
      steps.stepTo(progress.step());
      steps.setExtraMessage(" " + figures(progress));
    }

    @Override
    public void resuming(PerennialException cause) {
      out.printf("connection lost, going on: %s%n", cause);
    }

    @Override
    public void finished(TrainingJob job) {
      close();
      out.println(sentence(job));
    }

    @Override
    public void close() {
      if (upload != null) {
        upload.close();
        upload = null;
      }
      if (steps != null) {
        steps.close();
        steps = null;
      }
    }

    private static ProgressBar bar(String name, String unit, long max) {
      return new ProgressBarBuilder()
          .setTaskName(name)
          .setUnit(" " + unit, 1)
          .showSpeed()
          .setInitialMax(max)
          .setStyle(ProgressBarStyle.ASCII)
          .build();
    }
  }

  /** A line for each change of state and each epoch: for logs. */
  final class Lines implements TrainDisplay {
    private final PrintWriter out;
    private TrainingJob.@Nullable State state;
    private int epoch;

    Lines(PrintWriter out) {
      this.out = out;
    }

    @Override
    public void rejected(long index, PerennialException error) {
      out.printf("example %d: %s%n", index, error);
    }

    @Override
    public void changed(TrainingJob job) {
      if (job.state() != state) {
        state = job.state();
        out.printf("job %s: %s%n", job.jobId(), state.name().toLowerCase(Locale.ROOT));
      }
      Progress progress = job.progress();
      if (progress != null && progress.epoch() != epoch) {
        epoch = progress.epoch();
        out.printf(
            Locale.ROOT,
            "%s, %.0f images/s, %d s left%n",
            figures(progress),
            progress.imagesPerSecond(),
            progress.timeLeft().toSeconds());
      }
    }

    @Override
    public void resuming(PerennialException cause) {
      out.printf("connection lost, going on: %s%n", cause);
    }

    @Override
    public void finished(TrainingJob job) {
      out.println(sentence(job));
    }

    @Override
    public void close() {}
  }

  /** One JSON object a line: for programs. */
  final class JsonLines implements TrainDisplay {
    private static final Gson JSON = new GsonBuilder().disableHtmlEscaping().create();

    private final PrintWriter out;

    JsonLines(PrintWriter out) {
      this.out = out;
    }

    @Override
    public void uploading(int attempt) {
      print("uploading", Map.of("attempt", attempt));
    }

    @Override
    public void spooled(long examples) {
      print("spooled", Map.of("examples", examples));
    }

    @Override
    public void rejected(long index, PerennialException error) {
      print("rejected", Map.of("index", index, "error", error.toString()));
    }

    @Override
    public void changed(TrainingJob job) {
      print("job", fields(job));
    }

    @Override
    public void resuming(PerennialException cause) {
      print("resuming", Map.of("error", cause.toString()));
    }

    @Override
    public void finished(TrainingJob job) {
      print("finished", fields(job));
    }

    @Override
    public void close() {}

    private void print(String event, Map<String, ?> fields) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("event", event);
      line.putAll(fields);
      out.println(JSON.toJson(line));
      out.flush();
    }

    private static Map<String, Object> fields(TrainingJob job) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("job_id", job.jobId());
      fields.put("task", job.task());
      fields.put("state", job.state().name());
      Progress progress = job.progress();
      if (progress != null) {
        fields.put("epoch", progress.epoch());
        fields.put("epochs", progress.epochs());
        fields.put("step", progress.step());
        fields.put("steps", progress.steps());
        fields.put("loss", progress.loss());
        fields.put("accuracy", progress.accuracy());
        fields.put("images_per_second", progress.imagesPerSecond());
        fields.put("seconds_left", progress.timeLeft().toMillis() / 1000.0);
        progress
            .validationAccuracyBefore()
            .ifPresent(value -> fields.put("validation_accuracy_before", value));
        progress
            .validationAccuracyBest()
            .ifPresent(value -> fields.put("validation_accuracy_best", value));
      }
      if (job.versionId() != null) {
        fields.put("version_id", job.versionId());
        fields.put("pool_epoch", job.epoch());
      }
      if (job.contributionId() != null) {
        fields.put("contribution_id", job.contributionId());
        fields.put("pool_epoch", job.epoch());
      }
      if (job.error() != null) {
        fields.put("error", job.error().toString());
      }
      return fields;
    }
  }
}
