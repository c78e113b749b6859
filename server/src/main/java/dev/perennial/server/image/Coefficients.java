package dev.perennial.server.image;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

/**
 * Pillow's integer weights of an antialiased bicubic filter along one axis ({@code
 * src/libImaging/Resample.c}, {@code precompute_coeffs} and {@code normalize_coeffs_8bpc}), for a
 * window of the resized pixels only.
 *
 * @param start per resized pixel of the window the first source pixel that counts
 * @param weights per resized pixel its weights, 22-bit fixed point; they sum to about 1 << 22
 */
@SuppressWarnings("ArrayRecordComponent") // shared through the cache, never compared or changed
record Coefficients(int[] start, int[][] weights) {
  /** 8 bits of a sample, 2 bits of head room for weights beyond 0..1, and a sign leave so many. */
  static final int PRECISION_BITS = 32 - 8 - 2;

  /** Pixels on both sides that a bicubic filter reaches when it does not shrink. */
  private static final double SUPPORT = 2;

  /** The free parameter of the cubic convolution kernel (Keys 1981). */
  private static final double A = -0.5;

  private record Axis(int size, int resized, int from, int count) {}

  /** Weights kept in all, for the sizes that come again: 16 MiB. */
  private static final long MAX_CACHED_WEIGHTS = 4L << 20;

  private static final Cache<Axis, Coefficients> CACHE =
      Caffeine.newBuilder()
          .maximumWeight(MAX_CACHED_WEIGHTS)
          .weigher((Axis axis, Coefficients coefficients) -> coefficients.size())
          .executor(Runnable::run)
          .build();

  /**
   * For resizing {@code size} pixels to {@code resized}, of which those from {@code from} on are
   * wanted.
   */
  static Coefficients of(int size, int resized, int from, int count) {
    return CACHE.get(
        new Axis(size, resized, from, count),
        axis -> compute(axis.size, axis.resized, axis.from, axis.count));
  }

  /** Resized pixels of the window. */
  int count() {
    return start.length;
  }

  /** Start of the source pixels that the window needs. */
  int begin() {
    return start[0];
  }

  /** End of the source pixels that the window needs. */
  int end() {
    int last = start.length - 1;
    return start[last] + weights[last].length;
  }

  private int size() {
    int size = 0;
    for (int[] row : weights) {
      size += row.length + 8; // and the array's own header
    }
    return size;
  }

  private static Coefficients compute(int size, int resized, int from, int count) {
    double scale = (double) size / resized;
    double filterScale = Math.max(scale, 1);
    double support = SUPPORT * filterScale;
    int[] start = new int[count];
    int[][] weights = new int[count][];
    for (int i = 0; i < count; i++) {
      double center = (from + i + 0.5) * scale;
      int min = Math.max(0, (int) (center - support + 0.5));
      int max = Math.min(size, (int) (center + support + 0.5));
      double[] exact = new double[max - min];
      double sum = 0;
      for (int x = 0; x < exact.length; x++) {
        exact[x] = bicubic((x + min - center + 0.5) * (1 / filterScale));
        sum += exact[x];
      }
      start[i] = min;
      weights[i] = new int[exact.length];
      for (int x = 0; x < exact.length; x++) {
        double weight = (sum == 0 ? exact[x] : exact[x] / sum) * (1 << PRECISION_BITS);
        weights[i][x] = (int) (weight < 0 ? weight - 0.5 : weight + 0.5);
      }
    }
    return new Coefficients(start, weights);
  }

  static double bicubic(double distance) {
    double x = Math.abs(distance);
    if (x < 1) {
      return ((A + 2) * x - (A + 3)) * x * x + 1;
    }
    if (x < 2) {
      return (((x - 5) * x + 8) * x - 4) * A;
    }
    return 0;
  }
}
