package dev.perennial.server.eval.method;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.PrefixTraining.ValueStart;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.MethodOptions;
import dev.perennial.server.training.TrainingOptions;
import dev.perennial.server.training.TrainingSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a task's residual branch is trained. Methods with equal settings share their branches.
 *
 * @param epochs null where the recipe decides by the number of examples
 */
record BranchSettings(
    TrainingSpec.Recipe recipe,
    ValueStart values,
    int depth,
    int prefixLength,
    @Nullable Integer epochs,
    int batchSize,
    float learningRate,
    float validationShare) {

  private static final double MAX_LEARNING_RATE = 1e6;
  private static final double MAX_VALIDATION_SHARE = 0.5;

  /** Reads them; what is left open is what a server would take. */
  static BranchSettings parse(MethodOptions options, ClipConfig model) {
    TrainingSpec defaults = resolve(List.of(), TrainingOptions.DEFAULT, model);
    BranchSettings settings =
        new BranchSettings(
            options.choice("recipe", TrainingSpec.Recipe.class, defaults.recipe()),
            options.choice("values", ValueStart.class, ValueStart.ZERO),
            options.count("depth", defaults.shape().depth()),
            options.count("prefix-length", defaults.shape().length()),
            options.count("epochs"),
            options.count("batch-size", defaults.batchSize()),
            (float)
                options.number(
                    "learning-rate", defaults.learningRate(), Float.MIN_VALUE, MAX_LEARNING_RATE),
            (float)
                options.number(
                    "validation-share", defaults.validationShare(), 0, MAX_VALIDATION_SHARE));
    resolve(List.of(), settings.options(0), model); // checked before anything starts
    return settings;
  }

  /** The training of one task. */
  TrainingSpec spec(EvalTask task, long seed, ClipConfig model) {
    return TrainingSpec.resolve(
        task.name(), task.classNames(), task.template(), "eval", options(seed), model);
  }

  private TrainingOptions options(long seed) {
    return new TrainingOptions(
        recipe, null, seed, depth, prefixLength, epochs, batchSize, learningRate, validationShare);
  }

  private static TrainingSpec resolve(
      List<String> classNames, TrainingOptions options, ClipConfig model) {
    return TrainingSpec.resolve("task", classNames, "", "eval", options, model);
  }
}
