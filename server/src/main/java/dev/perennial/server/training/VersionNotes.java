package dev.perennial.server.training;

import java.util.Map;
import java.util.TreeMap;

/**
 * What a version says about its training: options under the names of the wire contract's {@code
 * TrainingOptions} (enums by the names of ours), and metrics. Nothing here depends on a clock.
 */
final class VersionNotes {

  private VersionNotes() {}

  static Map<String, String> options(TrainingSpec spec) {
    Map<String, String> options = new TreeMap<>();
    options.put("recipe", spec.recipe().name());
    options.put("gate", spec.gate().name());
    options.put("seed", Long.toUnsignedString(spec.seed()));
    options.put("depth", Integer.toString(spec.shape().depth()));
    options.put("prefix_length", Integer.toString(spec.shape().length()));
    options.put("epochs", Integer.toString(spec.epochs()));
    options.put("batch_size", Integer.toString(spec.batchSize()));
    options.put("learning_rate", Float.toString(spec.learningRate()));
    options.put("validation_share", Float.toString(spec.validationShare()));
    return options;
  }

  /** Accuracies on held-out examples are absent where there are none. */
  static Map<String, Double> metrics(Split split, Checkpoint last) {
    Map<String, Double> metrics = new TreeMap<>();
    metrics.put("examples", (double) split.training().length + split.validation().length);
    metrics.put("training_examples", (double) split.training().length);
    metrics.put("validation_examples", (double) split.validation().length);
    metrics.put("training_loss", last.trainingLoss());
    metrics.put("training_accuracy", last.trainingAccuracy());
    metrics.put("best_epoch", (double) last.bestEpoch());
    if (!Float.isNaN(last.accuracyBefore())) {
      metrics.put("validation_accuracy_before", (double) last.accuracyBefore());
      metrics.put("validation_accuracy", (double) last.accuracyBest());
    }
    return metrics;
  }
}
