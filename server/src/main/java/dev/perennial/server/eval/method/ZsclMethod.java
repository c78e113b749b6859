package dev.perennial.server.eval.method;

import dev.perennial.server.clip.FineTuning;
import dev.perennial.server.clip.WeightMean;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;

/**
 * ZSCL (Zheng et al., ICCV 2023, arXiv 2303.06628): fine-tuning of both towers while similarities
 * of reference images and texts stay those of the original CLIP (section 3.2, both directions,
 * temperature 2), and after each task the mean of the weights along its training, its start
 * included (weight ensemble, section 3.3). As in the published code each step takes as many
 * reference images as task images.
 *
 * <p>Differs from it: ten moments of each task are averaged whatever its steps (theirs: every 100
 * of 1,000); no best epoch is chosen, the mean is the outcome; the code's optional pull towards the
 * task's first weights is left out; the schedule is that of all our methods ({@link
 * FineTuneMethod}).
 */
final class ZsclMethod implements Method {
  static final MethodKind KIND =
      new MethodKind(
          "zscl",
          "ZSCL, ICCV 2023, arXiv 2303.06628",
          "zscl",
          (options, model) -> {
            TrainingSettings settings =
                TrainingSettings.parse(options, model, FineTuneMethod.defaultLearningRate(model));
            double smoothing =
                options.number("label-smoothing", FineTuneMethod.LABEL_SMOOTHING, 0, 1);
            String reference = options.text("reference", ReferenceSet.WORLD);
            return bench -> new ZsclMethod(bench, settings, smoothing, reference);
          });

  /** How often in a task the weights are taken into the mean. */
  private static final int MOMENTS = 10;

  private final Bench bench;
  private final TrainingSettings settings;
  private final double smoothing;
  private final FineTuning training;
  private final ReferenceSet reference;
  private final Towers towers;

  private ZsclMethod(Bench bench, TrainingSettings settings, double smoothing, String reference) {
    this.bench = bench;
    this.settings = settings;
    this.smoothing = smoothing;
    this.reference = ReferenceSet.open(bench, reference);
    this.training = FineTuning.of(bench.engine().directory(), bench.engine().device());
    this.towers = FineTuneMethod.towers(bench, training);
  }

  @Override
  public Learned learn(EvalTask task, Progress progress) {
    long start = System.nanoTime();
    TaskTraining plan = new TaskTraining(bench, settings, task, progress);
    long interval = Math.max(1, plan.schedule().steps() / MOMENTS);
    training.begin(plan.classTokens(), smoothing);
    long[] steps = {0};
    try (WeightMean mean = training.mean()) {
      plan.run(
          (batch, rate) -> {
            FineTuning.Step step =
                training.step(
                    batch.pixels(), batch.classes(), rate, reference.next(batch.classes().length));
            steps[0]++;
            if (steps[0] % interval == 0) {
              mean.add();
            }
            return step.loss() + step.divergence();
          },
          () -> {});
      mean.restore();
    }
    return plan.learned(training.parameterCount(), start);
  }

  @Override
  public Answers answer(EvalTask task, LabelSpace labels) {
    return FineTuneMethod.answers(towers, task, labels);
  }

  @Override
  public void close() {
    training.close();
  }
}
