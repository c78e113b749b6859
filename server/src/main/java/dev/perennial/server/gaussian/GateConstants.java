package dev.perennial.server.gaussian;

/**
 * What a gate needs beside the statistics.
 *
 * @param meanLogDensity mean of the task's own log-densities, 5-fold cross-fitted
 * @param stdLogDensity their standard deviation, greater than 0
 */
public record GateConstants(GateKind kind, double meanLogDensity, double stdLogDensity) {
  /**
   * Cross-fits the constants; the folds come from the order of the rows, so the same rows give the
   * same constants.
   */
  public static GateConstants fit(
      GateKind kind, float[] features, int dimension, int[] classOf, int classes) {
    throw new UnsupportedOperationException();
  }
}
