package dev.perennial.server.gaussian;

import java.util.Arrays;

/**
 * What the discriminant head and the union scoring need beside the statistics; fitted on a task's
 * training images, never on others.
 *
 * @param tau how much the discriminant's logits are trusted, above 0 (see {@link DiscriminantHead})
 * @param meanLogDensity mean of the task's own log-densities under its robust Gaussian, 5-fold
 *     cross-fitted
 * @param stdLogDensity their standard deviation, greater than 0
 */
public record HeadConstants(double tau, double meanLogDensity, double stdLogDensity) {
  /** tau = 2^(k/2) for k from the first to the last of these. */
  private static final int FIRST_HALF_OCTAVE = -12;

  private static final int LAST_HALF_OCTAVE = 16;

  /** Rows a dimension at which the formula for sums trusts the discriminant half. */
  private static final double ROWS_PER_DIMENSION = 4;

  public HeadConstants {
    requirePositive(tau, "tau");
    if (!Double.isFinite(meanLogDensity)) {
      throw new IllegalArgumentException(
          "mean log-density: " + meanLogDensity + " (expected: finite)");
    }
    requirePositive(stdLogDensity, "std of log-density");
  }

  private static void requirePositive(double value, String what) {
    if (!(value > 0) || !Double.isFinite(value)) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: finite, above 0)");
    }
  }

  /**
   * Fits tau and the log-densities' mean and std to the rows.
   *
   * <p>tau has the least cross-entropy of log-softmax(tau a) over the rows, each fifth of them
   * judged by the head of the rest (the folds of {@link GateConstants#fit}), on a grid of half
   * octaves; of equals the smaller. With fewer than five rows it is that of {@link #ofSums}.
   *
   * @param features (n, d) row by row
   * @param classOf per row its class; n is at least 1
   */
  public static HeadConstants fit(float[] features, int dimension, int[] classOf, int classes) {
    GateConstants domain =
        GateConstants.fit(GateKind.ROBUST, features, dimension, classOf, classes);
    double tau =
        classOf.length < GateConstants.FOLDS
            ? tauOfSums(classOf.length, dimension)
            : bestTau(crossFitted(features, dimension, classOf, classes), classOf);
    return new HeadConstants(tau, domain.meanLogDensity(), domain.stdLogDensity());
  }

  /**
   * Where only sums are at hand: tau = n / (n + 4 d), and the log-densities of the gate's own fit;
   * those of a Gaussian under itself where that is the paper's gate, whose covariance is another.
   */
  public static HeadConstants ofSums(FeatureStatistics statistics, GateConstants gate) {
    GateConstants domain =
        gate.kind() == GateKind.ROBUST
            ? gate
            : GateConstants.ofGaussianItself(GateKind.ROBUST, statistics);
    return new HeadConstants(
        tauOfSums(statistics.count(), statistics.dimension()),
        domain.meanLogDensity(),
        domain.stdLogDensity());
  }

  /**
   * The constants once further rows were added whose sums alone are known: the domain's as {@link
   * GateConstants#grown} has them, and tau pooled by rows. The own rows say their tau, grown by the
   * formula for sums; the others say that formula. Chosen on training images of mini-MTIL, seeds 11
   * and 12: the cross-entropy is within 0.015 of that with a tau fitted to all rows (0.03 from 16
   * to 100 shots), from one image more to 25 times as many.
   *
   * @param own the rows that this was fitted to
   * @param all these and more
   * @param domain of all, robust
   */
  public HeadConstants grown(FeatureStatistics own, FeatureStatistics all, GateConstants domain) {
    double before = tauOfSums(own.count(), own.dimension());
    double after = tauOfSums(all.count(), all.dimension());
    double share = (double) own.count() / all.count();
    return new HeadConstants(
        share * tau * after / before + (1 - share) * after,
        domain.meanLogDensity(),
        domain.stdLogDensity());
  }

  private static double tauOfSums(long rows, int dimension) {
    return rows / (rows + ROWS_PER_DIMENSION * dimension);
  }

  /** Per row the discriminants of a head that has not seen it. */
  static double[][] crossFitted(float[] features, int dimension, int[] classOf, int classes) {
    FeatureStatistics all = FeatureStatistics.of(features, dimension, classOf, classes);
    double[][] result = new double[classOf.length][];
    for (int[] fold : GateConstants.folds(classOf, classes)) {
      FeatureStatistics rest =
          all.minus(FeatureStatistics.of(features, dimension, classOf, classes, fold));
      DiscriminantHead head = new DiscriminantHead(rest, new HeadConstants(1, 0, 1));
      for (int row : fold) {
        result[row] = head.discriminants(features, row * dimension);
      }
    }
    return result;
  }

  static double bestTau(double[][] discriminants, int[] classOf) {
    double best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int k = FIRST_HALF_OCTAVE; k <= LAST_HALF_OCTAVE; k++) {
      double tau = Math.pow(2, k / 2.0);
      double loss = crossEntropy(discriminants, tau, classOf);
      if (loss < least) {
        least = loss;
        best = tau;
      }
    }
    return best;
  }

  /** Sum of -log softmax(tau a) at the rows' classes. */
  private static double crossEntropy(double[][] discriminants, double tau, int[] classOf) {
    double sum = 0;
    for (int row = 0; row < classOf.length; row++) {
      double[] scaled = Arrays.stream(discriminants[row]).map(a -> tau * a).toArray();
      sum += LogSpace.logSumExp(scaled) - scaled[classOf[row]];
    }
    return sum;
  }
}
