package dev.perennial.server.pretraining;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ContrastiveTraining;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.world.PretrainingWorld;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Builds the tiny CLIP from nothing: contrastive learning on {@link PretrainingWorld} with
 * auxiliary prompts, easy pictures first (Bengio et al. 2009, curriculum learning), the learning
 * rate warmed up and then let down along a cosine. Runs on the calling thread; a second thread
 * draws the next batch meanwhile. The same seed and number of steps draw the same batches.
 */
public final class Pretraining {
  private static final int WARM_UP_STEPS = 200;
  private static final double LAST_LEARNING_RATE = 1e-6;

  /** Progress at which the last easy pictures are shown. */
  private static final double CURRICULUM_END = .35;

  /**
   * How to train.
   *
   * @param steps number of steps; with a time limit, at most so many
   * @param timeLimit if given, the schedule follows the clock instead of the steps
   * @param from a model directory of the same shape to go on from; null starts from nothing
   * @param reportEvery steps between reports; each report also writes the model as it is
   */
  public record Config(
      Path out,
      @Nullable Path from,
      String device,
      int steps,
      @Nullable Duration timeLimit,
      long seed,
      int batchSize,
      double learningRate,
      int reportEvery) {
    public Config {
      require(steps > 0, "steps", steps, "at least 1");
      require(batchSize > 1, "batch size", batchSize, "at least 2");
      require(reportEvery > 0, "report every", reportEvery, "at least 1");
      require(learningRate > 0, "learning rate", learningRate, "above 0");
    }

    private static void require(boolean met, String what, Object value, String expected) {
      if (!met) {
        throw new IllegalArgumentException(what + ": " + value + " (expected: " + expected + ")");
      }
    }
  }

  /** Hears how it goes, on the training thread. */
  public interface Listener {
    /** After each step. */
    void step(int step, ContrastiveTraining.Step losses);

    /** At intervals, of the weights in training, after so many steps. */
    void report(int step, ZeroShotReport report);
  }

  private final Config config;
  private final Listener listener;
  private final Vocabulary vocabulary = new Vocabulary();

  public Pretraining(Config config, Listener listener) {
    this.config = config;
    this.listener = listener;
  }

  /** Trains, and leaves the model directory; returns what the written files can do. */
  public ZeroShotReport run() throws IOException {
    ExecutorService painter =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "painter");
              thread.setDaemon(true);
              return thread;
            });
    try (ContrastiveTraining training = start()) {
      int steps = train(training, painter);
      TinyClipFiles.write(config.out(), vocabulary, training.weights());
      ZeroShotReport report = report(config.out(), config.device());
      TinyClipFiles.writeCard(config.out(), config, steps, report);
      return report;
    } finally {
      painter.shutdownNow();
    }
  }

  private ContrastiveTraining start() {
    ClipConfig shape = TinyClip.config(vocabulary);
    Path from = config.from();
    return from == null
        ? ContrastiveTraining.start(shape, config.device(), config.seed())
        : ContrastiveTraining.from(
            shape, config.device(), Safetensors.open(TinyClipFiles.weights(from)).tensors());
  }

  /** What the model in this directory can do, measured through the path that serves it. */
  public static ZeroShotReport report(Path directory, String device) {
    ModelDirectory files = ModelDirectory.open(directory);
    try (ClipModel model = ClipModel.load(files, device, Precision.FP32);
        PrefixBank noTasks = model.bank(List.of())) {
      return ZeroShotReport.of(Encoders.of(files, model, noTasks));
    }
  }

  private int train(ContrastiveTraining training, ExecutorService painter) throws IOException {
    long start = System.nanoTime();
    Encoders encoders = Encoders.of(training, vocabulary);
    int step = 0;
    double progress = 0;
    CompletableFuture<PretrainingBatch> next = paint(painter, step, progress);
    while (step < config.steps() && progress < 1) {
      PretrainingBatch batch = next.join();
      double rate = learningRate(step, progress);
      step++;
      progress = progress(step, System.nanoTime() - start);
      next = paint(painter, step, progress);
      listener.step(
          step,
          training.step(
              batch.pixels(), batch.captions(), batch.prompts(), batch.auxiliary(), (float) rate));
      if (step % config.reportEvery() == 0 && step < config.steps()) {
        TinyClipFiles.write(config.out(), vocabulary, training.weights());
        listener.report(step, ZeroShotReport.of(encoders));
      }
    }
    return step;
  }

  private CompletableFuture<PretrainingBatch> paint(
      ExecutorService painter, int step, double progress) {
    double easyShare = config.from() == null ? Math.max(0, 1 - progress / CURRICULUM_END) : 0;
    return CompletableFuture.supplyAsync(
        () -> PretrainingBatch.of(vocabulary, config.seed(), step, config.batchSize(), easyShare),
        painter);
  }

  private double progress(int step, long elapsedNanos) {
    Duration limit = config.timeLimit();
    return limit == null
        ? (double) step / config.steps()
        : Math.min(1, (double) elapsedNanos / limit.toNanos());
  }

  /** Linear warm-up times a cosine from 1 to 0. */
  private double learningRate(int step, double progress) {
    double warmUp = Math.min(1, (step + 1.0) / WARM_UP_STEPS);
    double cosine = .5 + .5 * Math.cos(Math.PI * progress);
    return config.learningRate() * warmUp * cosine + LAST_LEARNING_RATE;
  }
}
