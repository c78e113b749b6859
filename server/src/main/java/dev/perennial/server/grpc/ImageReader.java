package dev.perennial.server.grpc;

import com.google.protobuf.ByteString;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.image.Preprocessing;
import dev.perennial.server.image.RgbImage;
import dev.perennial.v1.Image;
import dev.perennial.v1.PixelTensor;
import dev.perennial.v1.RawImage;

/**
 * The model's input from an image on the wire, in any of its three forms. Decodes and resizes:
 * belongs on the decode pool. Stateless; safe for any thread.
 */
final class ImageReader {
  private final ImageDecoder decoder;
  private final ImageDecoder.Limits limits;
  private final Preprocessing preprocessing;

  ImageReader(ImageDecoder decoder, ImageDecoder.Limits limits, Preprocessing preprocessing) {
    this.decoder = decoder;
    this.limits = limits;
    this.preprocessing = preprocessing;
  }

  /** (3, S, S); throws INVALID_ARGUMENT with the field's path under {@code image}. */
  float[] pixels(Image image) {
    return switch (image.getFormCase()) {
      case ENCODED -> preprocessing.pixels(decoder.decode(image.getEncoded().toByteArray()));
      case RAW -> preprocessing.pixels(raw(image.getRaw(), limits));
      case PIXELS -> tensor(image.getPixels(), preprocessing.imageSize());
      case FORM_NOT_SET -> throw missing();
    };
  }

  static ServingException missing() {
    return ServingException.invalid(
        "MISSING_IMAGE", "image", "image: not set (expected: encoded, raw or pixels)");
  }

  /** Checked before anything is copied. */
  static RgbImage raw(RawImage raw, ImageDecoder.Limits limits) {
    long width = Integer.toUnsignedLong(raw.getWidth());
    long height = Integer.toUnsignedLong(raw.getHeight());
    if (width < 1 || height < 1 || width > limits.maxEdge() || height > limits.maxEdge()) {
      throw ServingException.invalid(
          "IMAGE_SIZE",
          "image.raw",
          "size of the image: "
              + width
              + " x "
              + height
              + " (expected: edges of 1.."
              + limits.maxEdge()
              + ")");
    }
    if (width * height > limits.maxPixels()) {
      throw ServingException.invalid(
          "IMAGE_SIZE",
          "image.raw",
          "pixels: " + width * height + " (expected: at most " + limits.maxPixels() + ")");
    }
    ByteString rgb = raw.getRgb();
    if (rgb.size() != 3 * width * height) {
      throw ServingException.invalid(
          "IMAGE_SIZE",
          "image.raw.rgb",
          "bytes: "
              + rgb.size()
              + " (expected: "
              + 3 * width * height
              + " for "
              + width
              + " x "
              + height
              + ")");
    }
    return new RgbImage((int) width, (int) height, rgb.toByteArray());
  }

  static float[] tensor(PixelTensor tensor, int imageSize) {
    float[] values = new float[tensor.getValuesCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.getValues(i);
    }
    return Preprocessing.checked(values, imageSize);
  }
}
