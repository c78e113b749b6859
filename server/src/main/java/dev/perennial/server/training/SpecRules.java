package dev.perennial.server.training;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.Template;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The bounds of a {@link TrainingSpec}; each refusal names the field of the wire contract. */
final class SpecRules {

  static final int MAX_CLASSES = 10_000;
  static final int MAX_LABEL_LENGTH = 256;
  static final int MAX_TEMPLATE_LENGTH = 512;
  static final int MAX_REQUEST_ID_LENGTH = 128;
  static final int MAX_PREFIX_LENGTH = 64;
  static final int MAX_EPOCHS = 1_000;
  static final int MAX_BATCH_SIZE = 1_024;
  static final float MAX_VALIDATION_SHARE = 0.5f;

  /** Narrower image towers take the tiny model's learning rate and batch size. */
  static final int NARROW_MODEL_WIDTH = 256;

  static final int DEFAULT_PREFIX_LENGTH = 8;
  static final int MAX_DEFAULT_DEPTH = 8;

  /** Held out unless the caller says otherwise; of classes with five examples or more. */
  static final float DEFAULT_VALIDATION_SHARE = 0.1f;

  private SpecRules() {}

  /** Two thirds of the image tower's layers, rounded, 1 to 8: DIKI's 8 of ViT-B/16's 12. */
  static int defaultDepth(ClipConfig model) {
    long depth = Math.round(model.image().layers() * 2.0 / 3.0);
    return (int) Math.max(1, Math.min(MAX_DEFAULT_DEPTH, depth));
  }

  /** Checks what the caller gave, before defaults hide it. */
  static void checkOptions(TrainingOptions options, ClipConfig model) {
    int layers = Math.max(model.image().layers(), model.text().layers());
    range("depth", options.depth(), layers);
    range("prefix_length", options.prefixLength(), MAX_PREFIX_LENGTH);
    range("epochs", options.epochs(), MAX_EPOCHS);
    range("batch_size", options.batchSize(), MAX_BATCH_SIZE);
  }

  /** Checks a resolved spec; its epochs may still be open. */
  static void check(TrainingSpec spec, ClipConfig model) {
    int layers = Math.max(model.image().layers(), model.text().layers());
    if (!TaskVersion.isName(spec.task())) {
      throw ServingException.invalid(
          "BAD_TASK_NAME",
          "spec.task",
          "task: "
              + ServingException.quoted(spec.task())
              + " (expected: 1 to 63 of a-z, 0-9, '-', '_', starting with a letter)");
    }
    if (!spec.statisticsOnly()) {
      checkClasses(spec.classNames());
    }
    Template.checked(spec.template(), "spec.template", MAX_TEMPLATE_LENGTH);
    if (spec.requestId().isBlank() || spec.requestId().length() > MAX_REQUEST_ID_LENGTH) {
      throw ServingException.invalid(
          "BAD_REQUEST_ID",
          "spec.request_id",
          "request id: "
              + ServingException.quoted(spec.requestId())
              + " (expected: at most 128 characters, not blank)");
    }
    range("depth", spec.shape().depth(), layers);
    range("prefix_length", spec.shape().length(), MAX_PREFIX_LENGTH);
    if (spec.epochs() != 0) {
      range("epochs", spec.epochs(), MAX_EPOCHS);
    }
    range("batch_size", spec.batchSize(), MAX_BATCH_SIZE);
    if (!(spec.learningRate() > 0) || !Float.isFinite(spec.learningRate())) {
      throw option("learning_rate", spec.learningRate(), "finite and greater than 0");
    }
    if (!(spec.validationShare() >= 0 && spec.validationShare() <= MAX_VALIDATION_SHARE)) {
      throw option("validation_share", spec.validationShare(), "0..0.5");
    }
  }

  /** What is wrong with a label, in words; null where it is fine. */
  static @Nullable String labelFault(String label) {
    if (label.isBlank()) {
      return ServingException.quoted(label) + " (expected: not blank)";
    }
    if (label.length() > MAX_LABEL_LENGTH) {
      return label.length() + " characters (expected: 1.." + MAX_LABEL_LENGTH + ")";
    }
    return null;
  }

  /** Class names must be distinct and no label twice; a single class leaves nothing to learn. */
  private static void checkClasses(List<String> classNames) {
    if (classNames.isEmpty()) {
      return; // the labels of the examples
    }
    if (classNames.size() > MAX_CLASSES) {
      throw ServingException.invalid(
          "BAD_CLASSES",
          "spec.class_names",
          "classes: " + classNames.size() + " (expected: at most " + MAX_CLASSES + ")");
    }
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < classNames.size(); i++) {
      String field = "spec.class_names[" + i + "]";
      String fault = labelFault(classNames.get(i));
      if (fault != null) {
        throw ServingException.invalid("BAD_CLASS_NAME", field, "class name: " + fault);
      }
      if (!seen.add(classNames.get(i))) {
        throw ServingException.invalid(
            "DUPLICATE_CLASS_NAME",
            field,
            "class name: "
                + ServingException.quoted(classNames.get(i))
                + " (expected: each only once)");
      }
    }
    checkClassCount(classNames.size());
  }

  /** With one class the loss is 0 whatever the weights are. */
  static void checkClassCount(int classes) {
    if (classes < 2) {
      throw ServingException.invalid(
          "TOO_FEW_CLASSES", "spec.class_names", "classes: " + classes + " (expected: at least 2)");
    }
  }

  /**
   * A spec for statistics with its classes: all of the task's where it names none. Throws
   * INVALID_ARGUMENT where one of them is none of the task's.
   */
  static TrainingSpec inTask(TrainingSpec spec, List<String> classesOfTask) {
    Set<String> known = new HashSet<>(classesOfTask);
    for (int i = 0; i < spec.classNames().size(); i++) {
      String name = spec.classNames().get(i);
      if (!known.contains(name)) {
        throw ServingException.invalid(
            "UNKNOWN_CLASS",
            "spec.class_names[" + i + "]",
            "class name: "
                + ServingException.quoted(name)
                + " (expected: one that task "
                + spec.task()
                + " knows)");
      }
    }
    return spec.classNames().isEmpty() ? spec.forStatistics(classesOfTask) : spec;
  }

  private static void range(String option, @Nullable Integer value, int most) {
    if (value != null && (value < 1 || value > most)) {
      throw option(option, Integer.toUnsignedString(value), "1.." + most);
    }
  }

  private static ServingException option(String option, Object value, String expected) {
    return ServingException.invalid(
        "BAD_" + option.toUpperCase(Locale.ROOT),
        "spec.options." + option,
        option.replace('_', ' ') + ": " + value + " (expected: " + expected + ")");
  }
}
