package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.image.Preprocessing;
import dev.perennial.server.image.RgbImage;
import org.jspecify.annotations.Nullable;

/**
 * From an example's image, in whichever form, to the model's input. Safe for any thread. Faults
 * name the field of the wire contract's {@code TrainRequest}.
 */
final class ModelInput implements ExampleCheck {

  private static final int CHANNELS = 3;

  private final ImageDecoder decoder;
  private final Preprocessing preprocessing;

  ModelInput(ImageDecoder decoder, Preprocessing preprocessing) {
    this.decoder = decoder;
    this.preprocessing = preprocessing;
  }

  /** (3, S, S), row-major; the caller may change it. Throws INVALID_ARGUMENT. */
  float[] pixels(ExampleImage image) {
    if (image instanceof ExampleImage.Encoded encoded) {
      return preprocessing.pixels(decode(encoded.bytes()));
    } else if (image instanceof ExampleImage.Raw raw) {
      return preprocessing.pixels(raw.image()); // checked when it was made
    } else if (image instanceof ExampleImage.Pixels pixels) {
      checkPixels(pixels.values());
      return pixels.values().clone();
    }
    throw new AssertionError(image);
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

  private RgbImage decode(byte[] encoded) {
    try {
      return decoder.decode(encoded);
    } catch (ServingException e) {
      if (e.code() != ErrorCode.INVALID_ARGUMENT) {
        throw e;
      }
      throw ServingException.invalid(
          e.reason(), "example.image.encoded", String.valueOf(e.getMessage()));
    }
  }

  private void checkPixels(float[] values) {
    int size = preprocessing.imageSize();
    int expected = CHANNELS * size * size;
    if (values.length != expected) {
      throw ServingException.invalid(
          "BAD_PIXEL_TENSOR",
          "example.image.pixels.values",
          "pixel values: " + values.length + " (expected: " + expected + ")");
    }
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw ServingException.invalid(
            "BAD_PIXEL_TENSOR",
            "example.image.pixels.values[" + i + "]",
            "pixel value: " + values[i] + " (expected: finite)");
      }
    }
  }
}
