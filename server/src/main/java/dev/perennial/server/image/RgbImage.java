package dev.perennial.server.image;

import dev.perennial.server.error.ServingException;

/**
 * Decoded 8-bit pixels.
 *
 * @param rgb height * width * 3 bytes: rows from the top, red, green, blue; never changed once
 *     handed over
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared or changed
public record RgbImage(int width, int height, byte[] rgb) {
  /** Throws INVALID_ARGUMENT (field {@code image.raw}) where the sizes disagree. */
  public RgbImage {
    if (width < 1 || height < 1) {
      throw ServingException.invalid(
          "IMAGE_SIZE",
          "image.raw",
          "size of the image: " + width + " x " + height + " (expected: at least 1 x 1)");
    }
    if (rgb.length != 3L * width * height) {
      throw ServingException.invalid(
          "IMAGE_SIZE",
          "image.raw.rgb",
          "bytes of the image: "
              + rgb.length
              + " (expected: "
              + 3L * width * height
              + " for "
              + width
              + " x "
              + height
              + ")");
    }
  }
}
