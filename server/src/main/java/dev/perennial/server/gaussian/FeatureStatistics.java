package dev.perennial.server.gaussian;

import java.util.Arrays;

/**
 * Integer statistics of L2-normalised image features: with q = round(2^14 f), per class the count
 * and the sum of q, and over all classes the sum of q q^T, in 64 bits. Immutable; safe for any
 * thread.
 *
 * <p>Sums of integers do not depend on their order, so {@link #plus} gives the same bits for any
 * split of the rows over batches, streams and machines, and {@link #minus} undoes it exactly. Mean
 * and covariance are derived on reading: the same statistics always give the same doubles. Nothing
 * is regularised here.
 *
 * <p>Bounds: a component is at most {@value #MAX_COMPONENT} in magnitude, so |q| &lt; 2^15 and a
 * product is below 2^30; with at most 2^32 rows every sum stays below 2^62, and n times a sum of
 * products below 2^94, which 128 bits hold.
 */
public final class FeatureStatistics {
  /** Most rows that one object may count: 2^32. */
  public static final long MAX_COUNT = 1L << 32;

  /** Largest magnitude of one feature; rounding in half precision may lift a 1 a little. */
  public static final float MAX_COMPONENT = 1.5f;

  /** 2^14: one step of q is 6e-5, which adds 3e-10 to the diagonal of the covariance. */
  static final double SCALE = 1 << 14;

  /** |q| stays below this. */
  private static final long MAX_QUANTISED = 1L << 15;

  /** Rows whose products a double sums exactly: 2^20 * 2^30 is below 2^53. */
  private static final int EXACT_ROWS = 1 << 20;

  private static final int BLOCK = 4;

  private final int dimension;
  private final long count;
  private final long[] classCounts;

  /** (K, d) row by row. */
  private final long[] classSums;

  /** Upper triangle of the sum of q q^T, row by row. */
  private final long[] products;

  /** Takes ownership of the arrays. */
  private FeatureStatistics(int dimension, long[] classCounts, long[] classSums, long[] products) {
    this.dimension = dimension;
    this.classCounts = classCounts;
    this.classSums = classSums;
    this.products = products;
    this.count = Arrays.stream(classCounts).sum();
  }

  /** No rows. */
  public static FeatureStatistics empty(int dimension, int classes) {
    require(dimension > 0, "dimension", dimension, "at least 1");
    require(classes > 0, "classes", classes, "at least 1");
    return new FeatureStatistics(
        dimension,
        new long[classes],
        new long[Math.multiplyExact(classes, dimension)],
        new long[triangle(dimension)]);
  }

  /**
   * Statistics of the given rows.
   *
   * @param features (n, d) row by row; finite, L2-normalised
   * @param classOf per row its class
   */
  public static FeatureStatistics of(float[] features, int dimension, int[] classOf, int classes) {
    int[] all = new int[classOf.length];
    Arrays.setAll(all, i -> i);
    return of(features, dimension, classOf, classes, all);
  }

  /** Statistics of some of the rows. */
  static FeatureStatistics of(
      float[] features, int dimension, int[] classOf, int classes, int[] rows) {
    FeatureStatistics result = empty(dimension, classes);
    require(
        features.length == (long) classOf.length * dimension,
        "features",
        features.length,
        (long) classOf.length * dimension + " for " + classOf.length + " rows");
    double[] block = new double[BLOCK * dimension];
    double[] sums = new double[triangle(dimension)];
    int unflushed = 0;
    for (int start = 0; start < rows.length; start += BLOCK) {
      int size = Math.min(BLOCK, rows.length - start);
      Arrays.fill(block, 0);
      for (int b = 0; b < size; b++) {
        result.quantise(features, rows[start + b], classOf, block, b * dimension);
      }
      addProducts(block, dimension, sums);
      unflushed += BLOCK;
      if (unflushed >= EXACT_ROWS) {
        flush(sums, result.products);
        unflushed = 0;
      }
    }
    flush(sums, result.products);
    return new FeatureStatistics(dimension, result.classCounts, result.classSums, result.products);
  }

  /** Quantises one row into the block and adds it to its class; only while this is being built. */
  private void quantise(float[] features, int row, int[] classOf, double[] block, int at) {
    int c = classOf[row];
    require(c >= 0 && c < classes(), "class of row " + row, c, "0.." + (classes() - 1));
    classCounts[c]++;
    for (int i = 0; i < dimension; i++) {
      float f = features[row * dimension + i];
      if (!(Math.abs(f) <= MAX_COMPONENT)) {
        throw new IllegalArgumentException(
            "feature "
                + i
                + " of row "
                + row
                + ": "
                + f
                + " (expected: finite, at most "
                + MAX_COMPONENT
                + " in magnitude)");
      }
      long q = Math.round(f * SCALE);
      block[at + i] = q;
      classSums[c * dimension + i] += q;
    }
  }

  /**
   * Adds the block's q q^T. Doubles hold these integers exactly (see {@link #EXACT_ROWS}), and
   * their inner loop runs as vector instructions where that of longs does not.
   */
  private static void addProducts(double[] block, int d, double[] sums) {
    int base = 0;
    for (int i = 0; i < d; i++) {
      double a = block[i];
      double b = block[d + i];
      double c = block[2 * d + i];
      double e = block[3 * d + i];
      base -= i;
      for (int j = i; j < d; j++) {
        sums[base + j] +=
            a * block[j] + b * block[d + j] + c * block[2 * d + j] + e * block[3 * d + j];
      }
      base += d;
    }
  }

  private static void flush(double[] sums, long[] products) {
    for (int i = 0; i < sums.length; i++) {
      products[i] += (long) sums[i];
      sums[i] = 0;
    }
  }

  /**
   * Statistics from their stored parts, checked: throws IllegalArgumentException that names what is
   * wrong. The arrays are copied.
   *
   * @param classCounts (K)
   * @param classSums (K, d) row by row
   * @param products upper triangle of the sum of q q^T, row by row: d (d + 1) / 2
   */
  public static FeatureStatistics restore(
      int dimension, long[] classCounts, long[] classSums, long[] products) {
    require(dimension > 0, "dimension", dimension, "at least 1");
    require(classCounts.length > 0, "class counts", classCounts.length, "at least 1");
    long sums = (long) classCounts.length * dimension;
    require(classSums.length == sums, "class sums", classSums.length, Long.toString(sums));
    require(
        products.length == (long) dimension * (dimension + 1) / 2,
        "products",
        products.length,
        Long.toString((long) dimension * (dimension + 1) / 2));
    FeatureStatistics result =
        new FeatureStatistics(dimension, classCounts.clone(), classSums.clone(), products.clone());
    result.checkBounds();
    return result;
  }

  /**
   * The same rows under other classes: class k becomes class {@code placeOf[k]}.
   *
   * @param placeOf distinct, each below the new number of classes
   */
  public FeatureStatistics inClasses(int[] placeOf, int classes) {
    require(placeOf.length == classes(), "places", placeOf.length, "" + classes());
    long[] counts = new long[classes];
    long[] sums = new long[Math.multiplyExact(classes, dimension)];
    for (int c = 0; c < placeOf.length; c++) {
      counts[placeOf[c]] += classCounts[c];
      System.arraycopy(classSums, c * dimension, sums, placeOf[c] * dimension, dimension);
    }
    return new FeatureStatistics(dimension, counts, sums, products);
  }

  /** With the other's rows too. */
  public FeatureStatistics plus(FeatureStatistics other) {
    return combine(other, 1);
  }

  /** Without the other's rows, which must have been added before: exactly as if they never were. */
  public FeatureStatistics minus(FeatureStatistics other) {
    return combine(other, -1);
  }

  private FeatureStatistics combine(FeatureStatistics other, int sign) {
    require(other.dimension == dimension, "dimension", other.dimension, "" + dimension);
    require(other.classes() == classes(), "classes", other.classes(), "" + classes());
    FeatureStatistics result =
        new FeatureStatistics(
            dimension,
            combine(classCounts, other.classCounts, sign),
            combine(classSums, other.classSums, sign),
            combine(products, other.products, sign));
    result.checkBounds();
    return result;
  }

  private static long[] combine(long[] a, long[] b, int sign) {
    long[] result = new long[a.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = a[i] + sign * b[i];
    }
    return result;
  }

  /** What every sum of real rows satisfies. */
  private void checkBounds() {
    long total = 0;
    for (int c = 0; c < classCounts.length; c++) {
      long n = classCounts[c];
      require(n >= 0 && n <= MAX_COUNT, "count of class " + c, n, "0.." + MAX_COUNT);
      total += n;
      require(total <= MAX_COUNT, "rows", total, "at most " + MAX_COUNT);
      for (int i = 0; i < dimension; i++) {
        long sum = classSums[c * dimension + i];
        require(
            Math.abs(sum) <= n * MAX_QUANTISED && sum != Long.MIN_VALUE,
            "sum " + i + " of class " + c,
            sum,
            "within " + n * MAX_QUANTISED);
      }
    }
    long bound = total * MAX_QUANTISED * MAX_QUANTISED;
    for (int i = 0, at = 0; i < dimension; i++) {
      for (int j = i; j < dimension; j++, at++) {
        long p = products[at];
        require(p <= bound && p >= (i == j ? 0 : -bound), "product " + i + "," + j, p, "" + bound);
      }
    }
  }

  /** d, the embed dim. */
  public int dimension() {
    return dimension;
  }

  /** K. */
  public int classes() {
    return classCounts.length;
  }

  /** n. */
  public long count() {
    return count;
  }

  /** Rows of one class. */
  public long count(int classIndex) {
    return classCounts[classIndex];
  }

  /** A copy of the counts, (K). */
  public long[] classCounts() {
    return classCounts.clone();
  }

  /** A copy of the sums, (K, d) row by row. */
  public long[] classSums() {
    return classSums.clone();
  }

  /** A copy of the upper triangle of the sum of q q^T, row by row. */
  public long[] products() {
    return products.clone();
  }

  /** The mean, (d); zero where there is no row. */
  public double[] mean() {
    double[] mean = new double[dimension];
    long[] sums = sums();
    for (int i = 0; i < dimension; i++) {
      mean[i] = count == 0 ? 0 : sums[i] / (count * SCALE);
    }
    return mean;
  }

  /**
   * The covariance with divisor n - 1, upper triangle row by row; zero where there are fewer than
   * two rows. From (n sum q q^T - sum q sum q^T) / (n (n - 1)), whose numerator is exact.
   */
  public double[] covariance() {
    double[] covariance = new double[products.length];
    if (count < 2) {
      return covariance;
    }
    long[] sums = sums();
    double divisor = (double) count * (count - 1) * SCALE * SCALE;
    for (int i = 0, at = 0; i < dimension; i++) {
      for (int j = i; j < dimension; j++, at++) {
        covariance[at] = differenceOfProducts(count, products[at], sums[i], sums[j]) / divisor;
      }
    }
    return covariance;
  }

  private long[] sums() {
    long[] sums = new long[dimension];
    for (int c = 0, at = 0; c < classCounts.length; c++) {
      for (int i = 0; i < dimension; i++, at++) {
        sums[i] += classSums[at];
      }
    }
    return sums;
  }

  /** a b - c d in 128 bits, then as a double (error of at most two roundings). */
  static double differenceOfProducts(long a, long b, long c, long d) {
    long low1 = a * b;
    long low2 = c * d;
    long low = low1 - low2;
    long borrow = Long.compareUnsigned(low1, low2) < 0 ? 1 : 0;
    long high = Math.multiplyHigh(a, b) - Math.multiplyHigh(c, d) - borrow;
    if (high == low >> 63) {
      return low;
    }
    boolean negative = high < 0;
    if (negative) {
      low = -low;
      high = ~high + (low == 0 ? 1 : 0);
    }
    double unsignedLow = (low >>> 1) * 2.0 + (low & 1);
    double magnitude = high * 0x1p64 + unsignedLow;
    return negative ? -magnitude : magnitude;
  }

  static int triangle(int dimension) {
    return Math.toIntExact((long) dimension * (dimension + 1) / 2);
  }

  private static void require(boolean holds, String what, long value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: " + expected + ")");
    }
  }

  /** Equal to the bit. */
  @Override
  public boolean equals(Object other) {
    return other instanceof FeatureStatistics that
        && dimension == that.dimension
        && Arrays.equals(classCounts, that.classCounts)
        && Arrays.equals(classSums, that.classSums)
        && Arrays.equals(products, that.products);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(classCounts) + Arrays.hashCode(classSums);
  }

  @Override
  public String toString() {
    return "FeatureStatistics["
        + count
        + " rows, "
        + classes()
        + " classes, d = "
        + dimension
        + "]";
  }
}
