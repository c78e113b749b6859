package dev.perennial.server.eval.method;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.Method;
import dev.perennial.server.training.Schedule;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** One task's schedule from its first step to its last, for any model that learns by steps. */
final class TaskTraining {
  /** One step of a model. */
  @FunctionalInterface
  interface Step {
    /** Returns the mean loss before it. */
    float take(Schedule.Batch batch, float learningRate);
  }

  private final EvalTask task;
  private final Schedule schedule;
  private final LabelSet labels;
  private final Method.Progress progress;

  TaskTraining(Bench bench, TrainingSettings settings, EvalTask task, Method.Progress progress) {
    this.task = task;
    this.schedule = settings.schedule(task, bench.seed(), bench.engine().directory().config());
    this.labels =
        LabelSet.of(task.classNames(), task.template(), bench.engine().directory().tokenizer());
    this.progress = progress;
  }

  Schedule schedule() {
    return schedule;
  }

  /** Token ids of each class's text. */
  List<int[]> classTokens() {
    return labels.prompts().stream().map(Towers::tokens).toList();
  }

  /**
   * Takes all steps, and keeps the outcome of the best epoch by the rule of a training job ({@link
   * Schedule#isBest}); the start takes part.
   *
   * @param keep keeps the present state in the place of what was kept before
   */
  void runAndChoose(Step step, Towers towers, Runnable keep) {
    float start = accuracy(towers);
    float[] highest = {start};
    keep.run();
    run(
        step,
        () -> {
          float accuracy = accuracy(towers);
          if (Schedule.isBest(accuracy, start, highest[0], schedule.split().validation().length)) {
            keep.run();
          }
          highest[0] = Math.max(highest[0], accuracy);
        });
  }

  /** Takes all steps. */
  void run(Step step, Runnable epochEnded) {
    long done = 0;
    for (int number = 1; number <= schedule.epochs(); number++) {
      Schedule.Epoch epoch = schedule.epoch(number);
      double loss = 0;
      for (int b = 0; b < schedule.stepsPerEpoch(); b++) {
        float rate = schedule.learningRate(done);
        loss += checked(step.take(epoch.batch(b), rate), number);
        done++;
      }
      epochEnded.run();
      progress.at(
          (double) done / schedule.steps(),
          String.format(Locale.ROOT, "loss %.2f", loss / schedule.stepsPerEpoch()));
    }
  }

  private float checked(float loss, int epoch) {
    if (!Float.isFinite(loss)) {
      throw ServingException.invalid(
          "TRAINING_DIVERGED",
          "methods",
          "loss of %s in epoch %d: %s (expected: finite; try a lower learning-rate)"
              .formatted(task.name(), epoch, loss));
    }
    return loss;
  }

  /** Share of the held-out pictures that are answered rightly; NaN without any. */
  private float accuracy(Towers towers) {
    int[] held = schedule.split().validation();
    Answers.Guess[] answers = towers.answers(task.train(), held, labels);
    int correct = 0;
    for (int i = 0; i < held.length; i++) {
      correct += answers[i].label() == task.train().classOf(held[i]) ? 1 : 0;
    }
    return held.length == 0 ? Float.NaN : (float) correct / held.length;
  }

  /** What it took, by the clock. */
  Method.Learned learned(long parameters, long startNanos) {
    long images = (long) schedule.split().training().length * schedule.epochs();
    return new Method.Learned(parameters, images, Duration.ofNanos(System.nanoTime() - startNanos));
  }
}
