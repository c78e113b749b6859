package dev.perennial.server.eval.method;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.MethodOptions;
import dev.perennial.server.training.Schedule;
import dev.perennial.server.training.TrainingOptions;
import dev.perennial.server.training.TrainingSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a task is taught to a method that is not a residual branch: the very schedule that a branch
 * has (examples held out, order, random shifts, steps, cosine), with a learning rate of its own.
 *
 * @param epochs null where the recipe decides by the number of examples
 */
record TrainingSettings(
    TrainingSpec.Recipe recipe,
    @Nullable Integer epochs,
    int batchSize,
    float learningRate,
    float validationShare) {

  private static final double MAX_LEARNING_RATE = 1e3;
  private static final double MAX_VALIDATION_SHARE = 0.5;

  /** Reads them; what is left open, but the rate, is what a branch would take. */
  static TrainingSettings parse(MethodOptions options, ClipConfig model, double learningRate) {
    TrainingSpec defaults =
        TrainingSpec.resolve("task", List.of(), "", "eval", TrainingOptions.DEFAULT, model);
    return new TrainingSettings(
        options.choice("recipe", TrainingSpec.Recipe.class, defaults.recipe()),
        options.count("epochs"),
        options.count("batch-size", defaults.batchSize()),
        (float) options.number("learning-rate", learningRate, Float.MIN_VALUE, MAX_LEARNING_RATE),
        (float)
            options.number(
                "validation-share", defaults.validationShare(), 0, MAX_VALIDATION_SHARE));
  }

  /** What is shown when while the task is learnt. */
  Schedule schedule(EvalTask task, long seed, ClipConfig model) {
    TrainingOptions options =
        new TrainingOptions(
            recipe, null, seed, null, null, epochs, batchSize, learningRate, validationShare);
    TrainingSpec spec =
        TrainingSpec.resolve(
            task.name(), task.classNames(), task.template(), "eval", options, model);
    return new Schedule(spec, task.train(), model.imageSize());
  }
}
