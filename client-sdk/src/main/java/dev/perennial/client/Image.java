package dev.perennial.client;

import com.google.protobuf.ByteString;
import dev.perennial.v1.PixelTensor;
import dev.perennial.v1.RawImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A picture on its way to the server. Immutable; the bytes given are copied. */
public final class Image {
  private final dev.perennial.v1.Image message;

  private Image(dev.perennial.v1.Image message) {
    this.message = message;
  }

  /** A JPEG file's bytes. */
  public static Image jpeg(byte[] file) {
    return encoded(file);
  }

  /** A PNG file's bytes. */
  public static Image png(byte[] file) {
    return encoded(file);
  }

  /** The bytes of an image file of any kind that the server reads: JPEG, PNG, GIF, BMP. */
  public static Image encoded(byte[] file) {
    return new Image(
        dev.perennial.v1.Image.newBuilder().setEncoded(ByteString.copyFrom(file)).build());
  }

  /** An image file, read now; the server decodes it. */
  public static Image ofFile(Path file) throws IOException {
    return encoded(Files.readAllBytes(file));
  }

  /**
   * Undecoded 8-bit pixels.
   *
   * @param rgb height * width * 3 bytes: rows from the top, red, green, blue for each pixel
   */
  public static Image raw(int width, int height, byte[] rgb) {
    if (width < 1 || height < 1 || rgb.length != 3L * width * height) {
      throw new IllegalArgumentException(
          "rgb: %d bytes for %d x %d pixels (expected: width * height * 3)"
              .formatted(rgb.length, width, height));
    }
    RawImage raw =
        RawImage.newBuilder()
            .setWidth(width)
            .setHeight(height)
            .setRgb(ByteString.copyFrom(rgb))
            .build();
    return new Image(dev.perennial.v1.Image.newBuilder().setRaw(raw).build());
  }

  /**
   * The model's own input, already resized and normalised.
   *
   * @param values (3, S, S), red first, rows from the top
   */
  public static Image pixels(float[] values) {
    PixelTensor.Builder tensor = PixelTensor.newBuilder();
    for (float value : values) {
      tensor.addValues(value);
    }
    return new Image(dev.perennial.v1.Image.newBuilder().setPixels(tensor).build());
  }

  dev.perennial.v1.Image message() {
    return message;
  }
}
