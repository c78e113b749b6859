package dev.perennial.server.gaussian;

import java.util.Arrays;

/**
 * What a gate needs beside the statistics: where the task's own images lie. Both kinds have them;
 * they turn a log-density into z.
 *
 * @param meanLogDensity mean of the task's own log-densities, 5-fold cross-fitted
 * @param stdLogDensity their standard deviation, greater than 0
 */
public record GateConstants(GateKind kind, double meanLogDensity, double stdLogDensity) {
  static final int FOLDS = 5;

  /**
   * Smallest std, in units of sqrt(d / 2), the std of a Gaussian's log-density under itself. Real
   * tasks lie near one unit; a few nearly equal rows would give 0.
   */
  static final double STD_FLOOR = 0.1;

  /**
   * A fold is left out of the fit where the other rows' variance is below this share of all rows':
   * it was seen on copies of one image, and says nothing about the spread.
   */
  static final double LEAST_VARIANCE_SHARE = 1.0 / 16;

  public GateConstants {
    if (!Double.isFinite(meanLogDensity)) {
      throw new IllegalArgumentException(
          "mean log-density: " + meanLogDensity + " (expected: finite)");
    }
    if (!(stdLogDensity > 0) || !Double.isFinite(stdLogDensity)) {
      throw new IllegalArgumentException(
          "std of log-density: " + stdLogDensity + " (expected: finite, above 0)");
    }
  }

  /**
   * Cross-fits the constants: each fifth of the rows is judged by the Gaussian of the rest. The
   * folds come from the order of the rows, so the same rows give the same constants; the r-th row
   * of a class goes to the fold after that of its (r - 1)-th, and the classes follow each other, so
   * every fold has its share of every class.
   *
   * <p>Where no fold can tell (fewer than five rows, or rows that do not vary) the constants are
   * those of a Gaussian under itself: mean peak - d/2, std sqrt(d/2). A fit to two or three rows
   * would find everything foreign, its mean so low that then nothing is.
   *
   * @param features (n, d) row by row
   * @param classOf per row its class; n is at least 1
   */
  public static GateConstants fit(
      GateKind kind, float[] features, int dimension, int[] classOf, int classes) {
    FeatureStatistics all = FeatureStatistics.of(features, dimension, classOf, classes);
    double leastTrace = LEAST_VARIANCE_SHARE * TaskGaussian.trace(all.covariance(), dimension);
    double[] judged = new double[classOf.length];
    int size = 0;
    int[][] folds = classOf.length < FOLDS ? new int[0][] : folds(classOf, classes);
    for (int[] fold : folds) {
      FeatureStatistics rest =
          all.minus(FeatureStatistics.of(features, dimension, classOf, classes, fold));
      double trace = rest.count() < 2 ? 0 : TaskGaussian.trace(rest.covariance(), dimension);
      if (trace > 0 && trace >= leastTrace) {
        double[] logDensities = logDensities(kind, rest, features, fold);
        System.arraycopy(logDensities, 0, judged, size, fold.length);
        size += fold.length;
      }
    }
    return size < 2
        ? ofGaussianItself(kind, all)
        : ofLogDensities(kind, Arrays.copyOf(judged, size), dimension);
  }

  private static double[] logDensities(
      GateKind kind, FeatureStatistics rest, float[] features, int[] fold) {
    int d = rest.dimension();
    float[] rows = new float[fold.length * d];
    for (int i = 0; i < fold.length; i++) {
      System.arraycopy(features, fold[i] * d, rows, i * d, d);
    }
    return new TaskGaussian(rest, new GateConstants(kind, 0, 1)).logDensities(rows, 0, fold.length);
  }

  /** Mean and std, divisor n - 1, of what the folds said. */
  private static GateConstants ofLogDensities(GateKind kind, double[] values, int d) {
    double mean = Arrays.stream(values).average().orElseThrow();
    double squares = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
    double std = Math.sqrt(squares / (values.length - 1));
    return new GateConstants(kind, mean, Math.max(std, STD_FLOOR * Math.sqrt(d / 2.0)));
  }

  /**
   * The constants once further rows were added whose sums alone are known: what was cross-fitted on
   * the own rows, moved as {@link HeldOutDensity} expects it to move. Equal sums give equal bits,
   * however the rows were split.
   *
   * <p>Both how far the fitted mean lies from the expected one and the standard deviation are taken
   * times r, the square root of the ratio of the expected deviations. Chosen on training images of
   * mini-MTIL, seeds 11 and 12: from 4, 16, 50 shots to 16, 50, 100 the rates at which images of
   * the task are refused and foreign ones let in are within 1.2 points of a fit to all rows; with r
   * squared twice as many of the task's own are refused, with the constants as they were five times
   * as many foreign ones pass.
   *
   * @param own the rows that this was fitted to
   * @param all these and more
   */
  public GateConstants grown(FeatureStatistics own, FeatureStatistics all) {
    HeldOutDensity before = HeldOutDensity.of(own, kind);
    HeldOutDensity after = HeldOutDensity.of(all, kind);
    double r = before.std() > 0 && after.std() > 0 ? Math.sqrt(after.std() / before.std()) : 1;
    return new GateConstants(
        kind, after.mean() + r * (meanLogDensity - before.mean()), r * stdLogDensity);
  }

  /** log N(f) of f ~ N is peak - chi^2_d / 2: mean peak - d/2, variance d/2. */
  static GateConstants ofGaussianItself(GateKind kind, FeatureStatistics statistics) {
    double half = statistics.dimension() / 2.0;
    double peak = new TaskGaussian(statistics, new GateConstants(kind, 0, 1)).peak();
    return new GateConstants(kind, peak - half, Math.sqrt(half));
  }

  /** Row numbers per fold: dealt class by class, each class in the order of its rows. */
  static int[][] folds(int[] classOf, int classes) {
    int n = classOf.length;
    int[] start = new int[classes + 1];
    for (int c : classOf) {
      start[c + 1]++;
    }
    for (int c = 0; c < classes; c++) {
      start[c + 1] += start[c];
    }
    int[][] result = new int[FOLDS][];
    for (int f = 0; f < FOLDS; f++) {
      result[f] = new int[(n - f + FOLDS - 1) / FOLDS];
    }
    for (int row = 0; row < n; row++) {
      int dealt = start[classOf[row]]++;
      result[dealt % FOLDS][dealt / FOLDS] = row;
    }
    return result;
  }
}
