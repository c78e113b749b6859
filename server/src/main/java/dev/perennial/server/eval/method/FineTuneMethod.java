package dev.perennial.server.eval.method;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.FineTuning;
import dev.perennial.server.clip.WeightMean;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.training.TrainingSpec;
import java.util.stream.IntStream;

/**
 * Sequential fine-tuning of both towers: the continual fine-tuning that ZSCL (Zheng et al., ICCV
 * 2023, arXiv 2303.06628, section 4) starts from, with the settings of its published code: AdamW
 * without decay, label smoothing 0.2, batch 64, 1,000 steps and a learning rate of 1e-5 at
 * ViT-B/16. Differs in what all our methods share: steps, batch, random shifts and cosine are those
 * of a branch, without a warm-up, and the best epoch is chosen.
 */
final class FineTuneMethod implements Method {
  static final double LABEL_SMOOTHING = 0.2;

  /** ZSCL's code: 1e-5 for most data sets. */
  private static final double LEARNING_RATE = 1e-5;

  /** The best of those tried on the tiny model; see docs/measurements.md. */
  private static final double SMALL_LEARNING_RATE = 3e-4;

  /** Of methods that train the whole model; each has its own. */
  static final String FAMILY = "fine-tune";

  static final MethodKind KIND =
      new MethodKind(
          "fine-tune",
          "sequential fine-tuning, as in ZSCL, ICCV 2023, arXiv 2303.06628",
          FAMILY,
          (options, model) -> {
            TrainingSettings settings =
                TrainingSettings.parse(options, model, defaultLearningRate(model));
            double smoothing = options.number("label-smoothing", LABEL_SMOOTHING, 0, 1);
            return bench -> new FineTuneMethod(bench, settings, smoothing);
          });

  private final Bench bench;
  private final TrainingSettings settings;
  private final double smoothing;
  private final FineTuning training;
  private final Towers towers;

  private FineTuneMethod(Bench bench, TrainingSettings settings, double smoothing) {
    this.bench = bench;
    this.settings = settings;
    this.smoothing = smoothing;
    this.training = FineTuning.of(bench.engine().directory(), bench.engine().device());
    this.towers = towers(bench, training);
  }

  static double defaultLearningRate(ClipConfig model) {
    return TrainingSpec.isNarrow(model) ? SMALL_LEARNING_RATE : LEARNING_RATE;
  }

  static Towers towers(Bench bench, FineTuning training) {
    return new Towers(training::imageFeatures, training::textFeatures, bench.model().logitScale());
  }

  @Override
  public Learned learn(EvalTask task, Progress progress) {
    long start = System.nanoTime();
    TaskTraining plan = new TaskTraining(bench, settings, task, progress);
    training.begin(plan.classTokens(), smoothing);
    try (Kept kept = new Kept(training)) {
      plan.runAndChoose(
          (batch, rate) -> training.step(batch.pixels(), batch.classes(), rate, null).loss(),
          towers,
          kept::keep);
      kept.restore();
    }
    return plan.learned(training.parameterCount(), start);
  }

  /** A copy of the weights at the last moment that was to be kept. */
  private static final class Kept implements AutoCloseable {
    private final FineTuning training;
    private WeightMean copy;

    Kept(FineTuning training) {
      this.training = training;
      this.copy = training.mean();
    }

    void keep() {
      copy.close();
      copy = training.mean();
    }

    void restore() {
      copy.restore();
    }

    @Override
    public void close() {
      copy.close();
    }
  }

  @Override
  public Answers answer(EvalTask task, LabelSpace labels) {
    return answers(towers, task, labels);
  }

  static Answers answers(Towers towers, EvalTask task, LabelSpace labels) {
    int[] all = IntStream.range(0, task.test().size()).toArray();
    return Answers.of(towers.answers(task.test(), all, labels.labels()));
  }

  @Override
  public void close() {
    training.close();
  }
}
