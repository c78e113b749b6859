package dev.perennial.server.image;

import dev.perennial.server.error.ServingException;
import java.util.Arrays;

/**
 * The model's input from a picture: Pillow's antialiased bicubic on the short side, centre crop,
 * scale, normalise, as Hugging Face's CLIPImageProcessor (on Pillow) does, to the bit.
 *
 * <p>Two passes over 8-bit samples, rounded between them. Only what the crop shows is computed: a
 * picture of 16,000 x 1 costs no more than its crop.
 *
 * @param resizeShortSide pixels of the short side after resizing
 * @param imageSize S, the crop
 * @param mean per channel, of samples in [0, 1]
 * @param std per channel
 */
@SuppressWarnings("ArrayRecordComponent") // three constants each
public record Preprocessing(int resizeShortSide, int imageSize, float[] mean, float[] std) {
  /** Above the largest published CLIP (1024), and small enough that 3 S S never overflows. */
  public static final int MAX_IMAGE_SIZE = 4096;

  private static final int CHANNELS = 3;

  /** 1/255 as preprocessor_config.json has it: a double, and the product is rounded to float. */
  private static final double RESCALE = 1 / 255.0;

  private static final int PRECISION_BITS = Coefficients.PRECISION_BITS;
  private static final int ROUNDING = 1 << (PRECISION_BITS - 1);

  /** Throws IllegalArgumentException out of range. */
  public Preprocessing {
    if (resizeShortSide < 1
        || resizeShortSide > MAX_IMAGE_SIZE
        || imageSize < 1
        || imageSize > MAX_IMAGE_SIZE) {
      throw new IllegalArgumentException(
          "sizes: "
              + resizeShortSide
              + ", "
              + imageSize
              + " (expected: 1.."
              + MAX_IMAGE_SIZE
              + ")");
    }
    if (mean.length != CHANNELS || std.length != CHANNELS) {
      throw new IllegalArgumentException(
          "mean and std: " + mean.length + " and " + std.length + " values (expected: 3)");
    }
    for (float value : std) {
      if (!(value > 0)) {
        throw new IllegalArgumentException("std: " + value + " (expected: above 0)");
      }
    }
  }

  /** (3, S, S) float32, channel by channel. */
  public float[] pixels(RgbImage image) {
    return normalized(cropped(image));
  }

  /**
   * The values themselves if they can be a model's input.
   *
   * @throws ServingException INVALID_ARGUMENT (field {@code image.pixels}) unless they are 3 S S
   *     finite numbers
   */
  public float[] checked(float[] values) {
    int expected = CHANNELS * imageSize * imageSize;
    if (values.length != expected) {
      throw ServingException.invalid(
          "TENSOR_SIZE",
          "image.pixels.values",
          "values: "
              + values.length
              + " (expected: "
              + expected
              + " = 3 x "
              + imageSize
              + " x "
              + imageSize
              + ")");
    }
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw ServingException.invalid(
            "TENSOR_NOT_FINITE",
            "image.pixels.values[" + i + "]",
            "value " + i + ": " + values[i] + " (expected: finite)");
      }
    }
    return values;
  }

  /** The resized and cropped picture: S * S * 3 bytes; black where it is smaller than the crop. */
  byte[] cropped(RgbImage image) {
    int shortSide = Math.min(image.width(), image.height());
    Window columns = Window.of(image.width(), resized(image.width(), shortSide), imageSize);
    Window rows = Window.of(image.height(), resized(image.height(), shortSide), imageSize);
    byte[] narrow = horizontal(image, columns, rows);
    byte[] crop = new byte[imageSize * imageSize * CHANNELS];
    vertical(narrow, columns, rows, crop);
    return crop;
  }

  private int resized(int side, int shortSide) {
    return Math.toIntExact((long) resizeShortSide * side / shortSide);
  }

  /**
   * The part of one resized axis that the crop shows.
   *
   * @param offset where in the crop it starts: above 0 if the picture is smaller than the crop
   */
  private record Window(Coefficients coefficients, int offset) {
    static Window of(int size, int resized, int crop) {
      int start = Math.floorDiv(resized - crop, 2);
      int from = Math.max(0, start);
      int count = Math.min(resized, start + crop) - from;
      return new Window(Coefficients.of(size, resized, from, count), from - start);
    }

    int count() {
      return coefficients.start().length;
    }

    int firstSource() {
      return coefficients.start()[0];
    }
  }

  /** Source rows that the crop needs, each shrunk or stretched to the crop's columns. */
  private static byte[] horizontal(RgbImage image, Window columns, Window rows) {
    int first = rows.firstSource();
    int end = rows.coefficients().end();
    byte[] source = image.rgb();
    byte[] out = new byte[Math.multiplyExact(CHANNELS * columns.count(), end - first)];
    int to = 0;
    for (int y = first; y < end; y++) {
      int row = CHANNELS * image.width() * y;
      for (int x = 0; x < columns.count(); x++) {
        int[] weights = columns.coefficients().weights()[x];
        int from = row + CHANNELS * columns.coefficients().start()[x];
        int red = ROUNDING;
        int green = ROUNDING;
        int blue = ROUNDING;
        for (int weight : weights) {
          red += (source[from] & 0xff) * weight;
          green += (source[from + 1] & 0xff) * weight;
          blue += (source[from + 2] & 0xff) * weight;
          from += CHANNELS;
        }
        out[to++] = clip(red);
        out[to++] = clip(green);
        out[to++] = clip(blue);
      }
    }
    return out;
  }

  private void vertical(byte[] narrow, Window columns, Window rows, byte[] crop) {
    int rowBytes = CHANNELS * columns.count();
    int[] sums = new int[rowBytes];
    for (int y = 0; y < rows.count(); y++) {
      Arrays.fill(sums, ROUNDING);
      int from = (rows.coefficients().start()[y] - rows.firstSource()) * rowBytes;
      for (int weight : rows.coefficients().weights()[y]) {
        addWeighted(narrow, from, weight, sums);
        from += rowBytes;
      }
      int to = CHANNELS * ((rows.offset() + y) * imageSize + columns.offset());
      for (int i = 0; i < rowBytes; i++) {
        crop[to + i] = clip(sums[i]);
      }
    }
  }

  /** A loop of its own, so that the JIT vectorises it. */
  private static void addWeighted(byte[] samples, int from, int weight, int[] sums) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] += (samples[from + i] & 0xff) * weight;
    }
  }

  private static byte clip(int fixedPoint) {
    int value = fixedPoint >> PRECISION_BITS;
    return (byte) Math.max(0, Math.min(255, value));
  }

  private float[] normalized(byte[] crop) {
    int plane = imageSize * imageSize;
    float[] pixels = new float[CHANNELS * plane];
    for (int channel = 0; channel < CHANNELS; channel++) {
      float[] table = table(mean[channel], std[channel]);
      int to = channel * plane;
      for (int from = channel; from < crop.length; from += CHANNELS) {
        pixels[to++] = table[crop[from] & 0xff];
      }
    }
    return pixels;
  }

  private static float[] table(float mean, float std) {
    float[] table = new float[256];
    for (int sample = 0; sample < table.length; sample++) {
      table[sample] = ((float) (sample * RESCALE) - mean) / std;
    }
    return table;
  }
}
