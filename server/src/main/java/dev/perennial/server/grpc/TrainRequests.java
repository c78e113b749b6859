package dev.perennial.server.grpc;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.training.ExampleImage;
import dev.perennial.server.training.TrainingOptions;
import dev.perennial.server.training.TrainingSpec;
import dev.perennial.server.training.UploadMode;
import dev.perennial.v1.Gate;
import dev.perennial.v1.Image;
import dev.perennial.v1.Recipe;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Specs and examples from the wire. What is wrong is named with its path in a TrainRequest. */
final class TrainRequests {
  private TrainRequests() {}

  /** The spec with every default filled in, checked. */
  static TrainingSpec spec(dev.perennial.v1.TrainingSpec spec, ClipConfig model) {
    boolean statisticsOnly = spec.getStatisticsOnly();
    TrainingSpec resolved =
        TrainingSpec.resolve(
            spec.getTask(),
            statisticsOnly ? List.of() : spec.getClassNamesList(),
            spec.getTemplate(),
            spec.getRequestId(),
            options(spec.getOptions()),
            model);
    return statisticsOnly ? resolved.forStatistics(spec.getClassNamesList()) : resolved;
  }

  static UploadMode mode(dev.perennial.v1.TrainingSpec spec) {
    if (!spec.getRequestId().isEmpty()) {
      return spec.getResume() ? UploadMode.RESUMED : UploadMode.KEPT;
    }
    if (spec.getResume()) {
      throw ServingException.invalid(
          "MISSING_REQUEST_ID",
          "spec.request_id",
          "request id: empty (expected: that of the upload that is resumed)");
    }
    return UploadMode.ONE_STREAM;
  }

  /** An example's image; nothing is decoded here. */
  static ExampleImage image(Image image, ImageDecoder.Limits limits, int imageSize) {
    return switch (image.getFormCase()) {
      case ENCODED -> new ExampleImage.Encoded(image.getEncoded().toByteArray());
      case RAW -> new ExampleImage.Raw(ImageReader.raw(image.getRaw(), limits));
      case PIXELS -> new ExampleImage.Pixels(ImageReader.tensor(image.getPixels(), imageSize));
      case FORM_NOT_SET -> throw ImageReader.missing();
    };
  }

  /** A failure in an example's image or label, its field as seen from the TrainRequest. */
  static Throwable inExample(Throwable failure) {
    Throwable cause = Statuses.unwrap(failure);
    if (cause instanceof ServingException serving) {
      String field = serving.field();
      if (field != null && (field.startsWith("image") || field.startsWith("label"))) {
        return ServingException.invalid(
            serving.reason(), "example." + field, String.valueOf(serving.getMessage()));
      }
    }
    return cause;
  }

  private static TrainingOptions options(dev.perennial.v1.TrainingOptions options) {
    return new TrainingOptions(
        recipe(options.getRecipe()),
        gate(options.getGate()),
        options.getSeed(),
        options.hasDepth() ? options.getDepth() : null,
        options.hasPrefixLength() ? options.getPrefixLength() : null,
        options.hasEpochs() ? options.getEpochs() : null,
        options.hasBatchSize() ? options.getBatchSize() : null,
        options.hasLearningRate() ? options.getLearningRate() : null,
        options.hasValidationShare() ? options.getValidationShare() : null);
  }

  private static TrainingSpec.@Nullable Recipe recipe(Recipe recipe) {
    return switch (recipe) {
      case RECIPE_UNSPECIFIED -> null;
      case RECIPE_ROBUST -> TrainingSpec.Recipe.ROBUST;
      case RECIPE_OFFICIAL -> TrainingSpec.Recipe.OFFICIAL;
      case UNRECOGNIZED -> throw unknown("recipe", "RECIPE_ROBUST or RECIPE_OFFICIAL");
    };
  }

  private static @Nullable GateKind gate(Gate gate) {
    return switch (gate) {
      case GATE_UNSPECIFIED -> null;
      case GATE_ROBUST -> GateKind.ROBUST;
      case GATE_PAPER -> GateKind.PAPER;
      case UNRECOGNIZED -> throw unknown("gate", "GATE_ROBUST or GATE_PAPER");
    };
  }

  private static ServingException unknown(String option, String expected) {
    return ServingException.invalid(
        "UNKNOWN_VALUE",
        "spec.options." + option,
        option + ": unknown value (expected: " + expected + ")");
  }
}
