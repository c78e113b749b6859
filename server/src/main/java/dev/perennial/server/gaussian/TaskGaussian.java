package dev.perennial.server.gaussian;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One task's Gaussian and gate, ready to be asked. Immutable; safe for any thread.
 *
 * <p>DIKI (arXiv 2407.05342), section 3.3. The covariance is regularised here, never in the
 * statistics, with S the sample covariance of divisor n - 1 and d the embed dim:
 *
 * <ul>
 *   <li>{@link GateKind#PAPER}: Sigma = S + 1e-7 I; gate weight sigmoid(log-density / d - 1). The
 *       official code writes 512 where we write d: the same for CLIP ViT-B/16, and comparable for
 *       another d, where a fixed 512 would hold the weight of the task's own images near 0.3.
 *   <li>{@link GateKind#ROBUST}: Sigma = (1 - rho) S + rho tr(S)/d I + 1e-7 I, rho from Oracle
 *       Approximating Shrinkage (Chen et al., 2010, as scikit-learn writes it); gate weight
 *       sigmoid(2 (z + 4)).
 * </ul>
 *
 * <p>The 1e-7 is also the floor where rows do not vary: one row, or all rows equal, is a narrow
 * ball around the mean, and every other image is foreign to it.
 *
 * <p>The log-density is -(d log 2 pi + log det Sigma + |y|^2) / 2 with U^T y = f - mu, all in
 * double: in float it is off by up to 2e4 when there are fewer rows than dimensions. A row's value
 * has the same bits alone, in any group of rows, and with any bound.
 */
public final class TaskGaussian {
  /** Added to the diagonal of either covariance, as in the official code. */
  static final double VARIANCE_FLOOR = 1e-7;

  /** The paper's gate is half open at this log-density per dimension. */
  private static final double PAPER_OFFSET = 1;

  /** Standard deviations below the mean at which the robust gate is half open. */
  private static final double ROBUST_OFFSET = 4;

  private static final double ROBUST_SLOPE = 2;

  /** Steps of the substitution between two looks at the bound. */
  private static final int STEPS_PER_CHECK = 16;

  private final int dimension;
  private final GateConstants constants;
  private final double[] mean;
  private final double[] factor;
  private final double peak;

  /** tr(Sigma) / d. */
  private final double variance;

  /** Factors the covariance, O(d^3): some ten milliseconds at d = 512. */
  public TaskGaussian(FeatureStatistics statistics, GateConstants constants) {
    this.dimension = statistics.dimension();
    this.constants = constants;
    this.mean = statistics.mean();
    this.factor = regularised(statistics, constants.kind());
    this.variance = trace(factor, dimension) / dimension;
    UpperCholesky.factor(factor, dimension, VARIANCE_FLOOR / 2);
    this.peak = peak(factor, dimension);
  }

  /** log N of the mean: -(d log 2 pi + log det Sigma) / 2. */
  static double peak(double[] factor, int d) {
    return -0.5 * (d * Math.log(2 * Math.PI) + UpperCholesky.logDeterminant(factor, d));
  }

  /** Sigma, upper triangle row by row. */
  static double[] regularised(FeatureStatistics statistics, GateKind kind) {
    if (statistics.count() == 0) {
      throw new IllegalArgumentException("rows of a Gaussian: 0 (expected: at least 1)");
    }
    int d = statistics.dimension();
    double[] sigma = statistics.covariance();
    if (kind == GateKind.ROBUST) {
      shrink(sigma, d, statistics.count());
    }
    addToDiagonal(sigma, d, VARIANCE_FLOOR);
    return sigma;
  }

  /** (1 - rho) S + rho tr(S)/d I, in place; S of divisor count - 1. */
  static void shrink(double[] sigma, int d, long count) {
    double target = trace(sigma, d) / d;
    double rho = shrinkage(sigma, d, count);
    for (int i = 0; i < sigma.length; i++) {
      sigma[i] *= 1 - rho;
    }
    addToDiagonal(sigma, d, rho * target);
  }

  /**
   * OAS: min(1, (a + m^2) / ((n + 1) (a - m^2 / d))) with C the covariance of divisor n, a the mean
   * of C's squared entries and m = tr(C)/d; 1 where that is 0/0, that is, where nothing varies or C
   * is already a multiple of I.
   */
  static double shrinkage(double[] covariance, int d, long count) {
    double toDivisorN = (double) (count - 1) / count;
    double squares = 0;
    for (int i = 0, at = 0; i < d; i++) {
      double row = -covariance[at] * covariance[at];
      for (int j = i; j < d; j++, at++) {
        row += 2 * covariance[at] * covariance[at];
      }
      squares += row;
    }
    double a = squares * toDivisorN * toDivisorN / ((double) d * d);
    double m = trace(covariance, d) * toDivisorN / d;
    double denominator = (count + 1) * (a - m * m / d);
    return denominator > 0 ? Math.min(1, (a + m * m) / denominator) : 1;
  }

  static double trace(double[] upper, int d) {
    double trace = 0;
    for (int i = 0, at = 0; i < d; at += d - i, i++) {
      trace += upper[at];
    }
    return trace;
  }

  static void addToDiagonal(double[] upper, int d, double value) {
    for (int i = 0, at = 0; i < d; at += d - i, i++) {
      upper[at] += value;
    }
  }

  /** d, the embed dim. */
  public int dimension() {
    return dimension;
  }

  /** The constants that this was built with. */
  public GateConstants constants() {
    return constants;
  }

  /** The largest log-density there is: that of the mean. */
  double peak() {
    return peak;
  }

  /** log N(f; mu, Sigma) of the features at the offset. */
  public double logDensity(float[] features, int offset) {
    return logDensity(features, offset, new double[dimension], Double.NEGATIVE_INFINITY);
  }

  /**
   * The log-density where it is at least the given bound, else some value below the bound, found
   * sooner: the partial sums of |y|^2 only grow.
   *
   * @param scratch at least d long; overwritten
   */
  public double logDensity(float[] features, int offset, double[] scratch, double atLeast) {
    int d = dimension;
    centre(features, offset, scratch);
    double squares = 0;
    for (int k = 0, row = 0; k < d; row += d - k, k++) {
      double y = scratch[k] / factor[row];
      squares += y * y;
      if (k % STEPS_PER_CHECK == 0 && peak - 0.5 * squares < atLeast) {
        break;
      }
      UpperCholesky.subtractScaled(scratch, k + 1, factor, row + 1, y, d - k - 1);
    }
    return peak - 0.5 * squares;
  }

  /** |f - mu|^2. */
  public double squaredDistance(float[] features, int offset) {
    double sum = 0;
    for (int i = 0; i < dimension; i++) {
      double difference = features[offset + i] - mean[i];
      sum += difference * difference;
    }
    return sum;
  }

  /** The log-density under N(mu, tr(Sigma)/d I), in O(d): a first guess. */
  public double sphericalLogDensity(float[] features, int offset) {
    double squares = squaredDistance(features, offset) / variance;
    return -0.5 * (dimension * Math.log(2 * Math.PI * variance) + squares);
  }

  private void centre(float[] features, int offset, double[] to) {
    for (int i = 0; i < dimension; i++) {
      to[i] = features[offset + i] - mean[i];
    }
  }

  /**
   * The log-densities of several rows, faster than one by one: the factor, 1 MB at d = 512, is read
   * once for four rows.
   *
   * @param features (n, d) row by row, from the offset
   * @return (n)
   */
  public double[] logDensities(float[] features, int offset, int rows) {
    List<float[]> all = new ArrayList<>(rows);
    for (int r = 0; r < rows; r++) {
      int from = offset + r * dimension;
      all.add(Arrays.copyOfRange(features, from, from + dimension));
    }
    double[] unbounded = new double[rows];
    Arrays.fill(unbounded, Double.NEGATIVE_INFINITY);
    return logDensities(all, unbounded);
  }

  /**
   * The same, where a row's value may be any below its bound if it is below: found sooner where
   * that holds of four rows at once.
   *
   * @param rows (d) each
   * @param atLeast per row its bound
   * @return (n)
   */
  public double[] logDensities(List<float[]> rows, double[] atLeast) {
    double[] result = new double[rows.size()];
    double[][] x = new double[4][dimension];
    int r = 0;
    for (; r + 4 <= result.length; r += 4) {
      for (int b = 0; b < 4; b++) {
        centre(rows.get(r + b), 0, x[b]);
      }
      double lowest = atLeast[r];
      for (int b = 1; b < 4; b++) {
        lowest = Math.min(lowest, atLeast[r + b]);
      }
      fourLogDensities(x, lowest, result, r);
    }
    for (; r < result.length; r++) {
      result[r] = logDensity(rows.get(r), 0, x[0], atLeast[r]);
    }
    return result;
  }

  private void fourLogDensities(double[][] x, double atLeast, double[] result, int at) {
    int d = dimension;
    double[] squares = new double[4];
    for (int k = 0, row = 0; k < d; row += d - k, k++) {
      double pivot = factor[row];
      double y0 = x[0][k] / pivot;
      double y1 = x[1][k] / pivot;
      double y2 = x[2][k] / pivot;
      double y3 = x[3][k] / pivot;
      squares[0] += y0 * y0;
      squares[1] += y1 * y1;
      squares[2] += y2 * y2;
      squares[3] += y3 * y3;
      if (k % STEPS_PER_CHECK == 0 && peak - 0.5 * least(squares) < atLeast) {
        break;
      }
      step(x, k + 1, row - k, y0, y1, y2, y3);
    }
    for (int b = 0; b < 4; b++) {
      result[at + b] = peak - 0.5 * squares[b];
    }
  }

  private static double least(double[] four) {
    return Math.min(Math.min(four[0], four[1]), Math.min(four[2], four[3]));
  }

  /** Takes the solved coordinate out of the rest of four rows. */
  private void step(double[][] x, int from, int base, double y0, double y1, double y2, double y3) {
    double[] u = factor;
    double[] x0 = x[0];
    double[] x1 = x[1];
    double[] x2 = x[2];
    double[] x3 = x[3];
    for (int j = from; j < dimension; j++) {
      double factorKj = u[base + j];
      x0[j] -= y0 * factorKj;
      x1[j] -= y1 * factorKj;
      x2[j] -= y2 * factorKj;
      x3[j] -= y3 * factorKj;
    }
  }

  /** (logDensity - mean) / std: about 0 for the task's own images, far below for foreign ones. */
  public double z(double logDensity) {
    return (logDensity - constants.meanLogDensity()) / constants.stdLogDensity();
  }

  /** w in [0, 1]. */
  public double gateWeight(double logDensity) {
    return switch (constants.kind()) {
      case PAPER -> sigmoid(logDensity / dimension - PAPER_OFFSET);
      case ROBUST -> sigmoid(ROBUST_SLOPE * (z(logDensity) + ROBUST_OFFSET));
    };
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
