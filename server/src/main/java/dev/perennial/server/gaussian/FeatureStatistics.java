package dev.perennial.server.gaussian;

/**
 * Integer statistics of L2-normalised image features: with q = round(2^14 f), per class the count
 * and sum of q, and the sum of q q^T, in 64 bits. Adding is exact in any order; subtracting undoes
 * it. Immutable.
 */
public final class FeatureStatistics {
  public static FeatureStatistics empty(int dimension, int classes) {
    throw new UnsupportedOperationException();
  }

  /**
   * Statistics of the given rows.
   *
   * @param features (n, d) row by row
   * @param classOf per row its class
   */
  public static FeatureStatistics of(float[] features, int dimension, int[] classOf, int classes) {
    throw new UnsupportedOperationException();
  }

  public FeatureStatistics plus(FeatureStatistics other) {
    throw new UnsupportedOperationException();
  }

  public FeatureStatistics minus(FeatureStatistics other) {
    throw new UnsupportedOperationException();
  }

  public int dimension() {
    throw new UnsupportedOperationException();
  }

  public int classes() {
    throw new UnsupportedOperationException();
  }

  /** n. */
  public long count() {
    throw new UnsupportedOperationException();
  }
}
