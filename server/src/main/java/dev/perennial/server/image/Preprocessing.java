package dev.perennial.server.image;

import dev.perennial.server.error.ServingException;

/**
 * The model's input from a picture: Pillow's antialiased bicubic on the short side, centre crop,
 * scale, normalise, as Hugging Face's CLIPImageProcessor (on Pillow) does, to the bit.
 *
 * <p>Only what the crop shows is computed: a picture of 16,000 x 1 costs no more than its crop.
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

  /** Normalised pixels are within 3; squares of far larger ones are no float32 any more. */
  static final int MAX_VALUE = 1_000_000;

  private static final int CHANNELS = 3;

  /** 1/255 as preprocessor_config.json has it: a double, and the product is rounded to float. */
  private static final double RESCALE = 1 / 255.0;

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
   * @throws ServingException INVALID_ARGUMENT (fields under {@code image.pixels}) unless they are 3
   *     S S numbers of at most {@value #MAX_VALUE}
   */
  public static float[] checked(float[] values, int imageSize) {
    int expected = CHANNELS * imageSize * imageSize;
    if (values.length != expected) {
      throw ServingException.invalid(
          "TENSOR_SIZE",
          "image.pixels.values",
          "values: %d (expected: %d = 3 x %d x %d)"
              .formatted(values.length, expected, imageSize, imageSize));
    }
    for (int i = 0; i < values.length; i++) {
      if (!(Math.abs(values[i]) <= MAX_VALUE)) {
        throw ServingException.invalid(
            "TENSOR_VALUE",
            "image.pixels.values[" + i + "]",
            "value: " + values[i] + " (expected: -" + MAX_VALUE + ".." + MAX_VALUE + ")");
      }
    }
    return values;
  }

  /** The resized and cropped picture: S * S * 3 bytes; black where it is smaller than the crop. */
  byte[] cropped(RgbImage image) {
    int shortSide = Math.min(image.width(), image.height());
    Window columns = Window.of(image.width(), resized(image.width(), shortSide), imageSize);
    Window rows = Window.of(image.height(), resized(image.height(), shortSide), imageSize);
    byte[][] resized = new Resize(image, columns.coefficients, rows.coefficients).run();
    byte[] crop = new byte[imageSize * imageSize * CHANNELS];
    for (int y = 0; y < resized.length; y++) {
      int to = CHANNELS * ((rows.offset + y) * imageSize + columns.offset);
      System.arraycopy(resized[y], 0, crop, to, resized[y].length);
    }
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
