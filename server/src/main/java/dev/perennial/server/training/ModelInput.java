package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.image.Preprocessing;
import org.jspecify.annotations.Nullable;

/**
 * From an example's image, in whichever form, to the model's input. Safe for any thread. Faults
 * name the field of the wire contract's {@code TrainRequest}.
 */
final class ModelInput implements ExampleCheck {

  private final ImageDecoder decoder;
  private final Preprocessing preprocessing;

  ModelInput(ImageDecoder decoder, Preprocessing preprocessing) {
    this.decoder = decoder;
    this.preprocessing = preprocessing;
  }

  /** (3, S, S), row-major; the caller may change it. Throws INVALID_ARGUMENT. */
  float[] pixels(ExampleImage image) {
    try {
      if (image instanceof ExampleImage.Encoded encoded) {
        return preprocessing.pixels(decoder.decode(encoded.bytes()));
      } else if (image instanceof ExampleImage.Raw raw) {
        return preprocessing.pixels(raw.image()); // checked when it was made
      } else if (image instanceof ExampleImage.Pixels pixels) {
        return Preprocessing.checked(pixels.values(), preprocessing.imageSize()).clone();
      }
      throw new AssertionError(image);
    } catch (ServingException e) {
      throw inExample(e);
    }
  }

  @Override
  public @Nullable RuntimeException fault(ExampleImage image) {
    try {
      // Preprocessed as well: what passes here cannot fail later, in the middle of the training.
      pixels(image);
      return null;
    } catch (OutOfMemoryError e) {
      return new ServingException(
          ErrorCode.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", "image: no memory left to decode it", e);
    } catch (RuntimeException e) {
      return e;
    }
  }

  /** The same fault, its field as seen from the TrainRequest. */
  private static ServingException inExample(ServingException e) {
    return e.code() == ErrorCode.INVALID_ARGUMENT
        ? ServingException.invalid(
            e.reason(), "example." + e.field(), String.valueOf(e.getMessage()))
        : e;
  }
}
