package dev.perennial.server.gaussian;

/**
 * One task's linear discriminant over its classes, and the density of its images as a mixture of
 * them, from frozen features and the integer statistics alone: no gradient. Immutable; safe for any
 * thread.
 *
 * <p>Every class is a Gaussian with its own mean and the common covariance Sigma = (1 - rho) S_w +
 * rho tr(S_w)/d I + 1e-7 I, S_w of divisor n - C (see {@link WithinClasses}) and rho from OAS as in
 * {@link TaskGaussian}. With x = f - mean and e_c = mean_c - mean,
 *
 * <pre>
 *   a_c         = e_c^T Sigma^-1 x - e_c^T Sigma^-1 e_c / 2
 *   log-density = log 1/K sum_c N(f; mean_c, Sigma)
 *               = log N(f; mean, Sigma) + log-sum-exp_c a_c - log K
 *   h_c         = log-softmax_c (tau a_c)
 * </pre>
 *
 * <p>Fisher's discriminant (Hastie, Tibshirani, Friedman, 4.3) with equal class priors; the
 * temperature tau is ours ({@link HeadConstants}): with few rows a dimension the plain discriminant
 * is far too sure of itself. A class without rows lies at the task's mean.
 */
public final class DiscriminantHead {
  private final int dimension;
  private final int classes;
  private final HeadConstants constants;
  private final double[] mean;
  private final double[] factor;
  private final double peak;

  /** Sigma^-1 e_c as columns, (d, K): then the innermost loop adds arrays. */
  private final double[] weights;

  /** e_c^T Sigma^-1 e_c / 2, (K). */
  private final double[] offsets;

  /** Factors the covariance, O(d^3), and solves for the classes, O(K d^2). */
  public DiscriminantHead(FeatureStatistics statistics, HeadConstants constants) {
    if (statistics.count() == 0) {
      throw new IllegalArgumentException("rows of a discriminant: 0 (expected: at least 1)");
    }
    WithinClasses within = new WithinClasses(statistics);
    this.dimension = statistics.dimension();
    this.classes = statistics.classes();
    this.constants = constants;
    this.mean = statistics.mean();
    this.factor = regularised(within, dimension);
    UpperCholesky.factor(factor, dimension, TaskGaussian.VARIANCE_FLOOR / 2);
    this.peak = TaskGaussian.peak(factor, dimension);
    this.weights = new double[classes * dimension];
    this.offsets = new double[classes];
    solve(within.deviations());
  }

  /** Sigma, upper triangle row by row. */
  private static double[] regularised(WithinClasses within, int d) {
    double[] sigma = within.covariance();
    TaskGaussian.shrink(sigma, d, within.degreesOfFreedom() + 1);
    TaskGaussian.addToDiagonal(sigma, d, TaskGaussian.VARIANCE_FLOOR);
    return sigma;
  }

  private void solve(double[] deviations) {
    double[] x = new double[dimension];
    for (int c = 0; c < classes; c++) {
      System.arraycopy(deviations, c * dimension, x, 0, dimension);
      UpperCholesky.solve(factor, dimension, x);
      double product = 0;
      for (int i = 0; i < dimension; i++) {
        weights[i * classes + c] = x[i];
        product += x[i] * deviations[c * dimension + i];
      }
      offsets[c] = product / 2;
    }
  }

  /** d, the embed dim. */
  public int dimension() {
    return dimension;
  }

  /** K. */
  public int classes() {
    return classes;
  }

  /** The constants that this was built with. */
  public HeadConstants constants() {
    return constants;
  }

  /** What the head says of one image. */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record Opinion(double[] logProbabilities, double logDensity) {}

  /** h and the mixture's log-density of the features at the offset; O(d^2 / 2 + K d). */
  public Opinion opinion(float[] features, int offset) {
    double[] discriminants = discriminants(features, offset);
    double logDensity = logDensity(features, offset, discriminants);
    return new Opinion(logProbabilities(discriminants), logDensity);
  }

  /** a, (K). */
  double[] discriminants(float[] features, int offset) {
    double[] a = new double[classes];
    for (int i = 0; i < dimension; i++) {
      UpperCholesky.subtractScaled(
          a, 0, weights, i * classes, mean[i] - features[offset + i], classes);
    }
    for (int c = 0; c < classes; c++) {
      a[c] -= offsets[c];
    }
    return a;
  }

  double logDensity(float[] features, int offset, double[] discriminants) {
    double[] x = new double[dimension];
    for (int i = 0; i < dimension; i++) {
      x[i] = features[offset + i] - mean[i];
    }
    double squares = UpperCholesky.forward(factor, dimension, x);
    return peak - 0.5 * squares + LogSpace.logSumExp(discriminants) - Math.log(classes);
  }

  /** log-softmax(tau a), (K). */
  private double[] logProbabilities(double[] discriminants) {
    double[] scaled = new double[classes];
    for (int c = 0; c < classes; c++) {
      scaled[c] = constants.tau() * discriminants[c];
    }
    return LogSpace.logSoftmax(scaled);
  }
}
