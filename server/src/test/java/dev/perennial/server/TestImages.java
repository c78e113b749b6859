package dev.perennial.server;

import com.google.protobuf.ByteString;
import dev.perennial.v1.Image;
import dev.perennial.v1.PixelTensor;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;
import javax.imageio.ImageIO;

/** Pictures for tests, whole and broken. */
public final class TestImages {
  private TestImages() {}

  /** Noise around a colour: pictures of one class look alike, no two are the same. */
  public static BufferedImage noise(int width, int height, int rgb, long seed) {
    Random random = new Random(seed);
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int pixel = 0;
        for (int shift = 0; shift <= 16; shift += 8) {
          int value = ((rgb >> shift) & 0xFF) + random.nextInt(61) - 30;
          pixel |= Math.max(0, Math.min(255, value)) << shift;
        }
        image.setRGB(x, y, pixel);
      }
    }
    return image;
  }

  /** A PNG of such noise. */
  public static Image png(int rgb, long seed) {
    return encoded(file("png", noise(20, 18, rgb, seed)));
  }

  public static Image encoded(byte[] bytes) {
    return Image.newBuilder().setEncoded(ByteString.copyFrom(bytes)).build();
  }

  /** The model's input, all of one value. */
  public static Image pixels(float value, int count) {
    PixelTensor.Builder tensor = PixelTensor.newBuilder();
    for (int i = 0; i < count; i++) {
      tensor.addValues(value);
    }
    return Image.newBuilder().setPixels(tensor).build();
  }

  public static byte[] file(String format, BufferedImage image) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      if (!ImageIO.write(image, format, out)) {
        throw new IllegalArgumentException(format);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  public static byte[] truncated(byte[] file) {
    return Arrays.copyOf(file, file.length / 2);
  }

  /** A tiny PNG file that says it has so many pixels: black, one bit each. */
  public static byte[] bomb(int width, int height) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      out.write(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
      ByteArrayOutputStream header = new ByteArrayOutputStream();
      DataOutputStream fields = new DataOutputStream(header);
      fields.writeInt(width);
      fields.writeInt(height);
      fields.write(new byte[] {1, 0, 0, 0, 0});
      chunk(out, "IHDR", header.toByteArray());
      ByteArrayOutputStream data = new ByteArrayOutputStream();
      try (DeflaterOutputStream deflater = new DeflaterOutputStream(data)) {
        byte[] row = new byte[1 + (width + 7) / 8];
        for (int y = 0; y < height; y++) {
          deflater.write(row);
        }
      }
      chunk(out, "IDAT", data.toByteArray());
      chunk(out, "IEND", new byte[0]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] data)
      throws IOException {
    DataOutputStream fields = new DataOutputStream(out);
    fields.writeInt(data.length);
    byte[] name = type.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    fields.write(name);
    fields.write(data);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(data);
    fields.writeInt((int) crc.getValue());
  }
}
