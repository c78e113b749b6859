package dev.perennial.server.gaussian;

/**
 * What log-density a Gaussian is expected to give to rows of its own kind that it was not fitted
 * to, from its sums alone: no rows are needed, so the same sums give the same bits.
 *
 * <p>With S the covariance of divisor n - 1, Sigma = keep S + c I its regularised form (see {@link
 * TaskGaussian}) and m the squared Mahalanobis length of a row,
 *
 * <pre>
 *   mean of m over the rows = (n - 1)/n tr(Sigma^-1 S)
 *   variance of m           = 2 tr((Sigma^-1 S)^2), as of normal rows
 * </pre>
 *
 * <p>A row that is left out of the fit is further away and the Gaussian without it narrower. By
 * Sherman and Morrison, with a = keep/(n - 1), m becomes m/(1 - a m) and log det Sigma gains log(1
 * - a m); a m is below 1, as keep S never exceeds Sigma. The mean takes that at the mean m, the
 * standard deviation by its slope there.
 *
 * <p>Real features are not normal, so neither is used as it stands: {@link GateConstants#grown}
 * takes the difference of two means and the ratio of two deviations.
 */
record HeldOutDensity(double mean, double std) {
  /** O(d^3). */
  static HeldOutDensity of(FeatureStatistics statistics, GateKind kind) {
    int d = statistics.dimension();
    long n = statistics.count();
    double[] covariance = statistics.covariance();
    double shrinkage =
        kind == GateKind.ROBUST && n > 1 ? TaskGaussian.shrinkage(covariance, d, n) : 0;
    double keep = 1 - shrinkage;
    double[] factor = TaskGaussian.regularised(statistics, kind);
    UpperCholesky.factor(factor, d, TaskGaussian.VARIANCE_FLOOR / 2);
    double peak = TaskGaussian.peak(factor, d);
    Traces traces = traces(factor, covariance, d);
    double m = (n - 1) * traces.ofProduct() / n;
    double a = n > 1 ? keep / (n - 1) : 0;
    double left = Math.max(1 - a * m, 1.0 / (2 * n)); // 1/n at least, but for rounding
    double slope = (1 / (left * left) - a / left) / 2;
    return new HeldOutDensity(
        peak - (m / left + Math.log(left)) / 2, slope * Math.sqrt(2 * traces.ofSquare()));
  }

  /** tr(Sigma^-1 S) and tr((Sigma^-1 S)^2). */
  private record Traces(double ofProduct, double ofSquare) {}

  /** Those of W = U^-T S U^-1 and of its square, Sigma = U^T U; W is symmetric. */
  private static Traces traces(double[] factor, double[] covariance, int d) {
    double[] half = new double[d * d]; // U^-T S, row by row
    double[] x = new double[d];
    for (int j = 0; j < d; j++) {
      for (int i = 0; i < d; i++) {
        int row = Math.min(i, j);
        x[i] = covariance[row * d - row * (row - 1) / 2 + Math.max(i, j) - row];
      }
      UpperCholesky.forward(factor, d, x);
      for (int i = 0; i < d; i++) {
        half[i * d + j] = x[i];
      }
    }
    double trace = 0;
    double squares = 0;
    for (int i = 0; i < d; i++) {
      System.arraycopy(half, i * d, x, 0, d);
      squares += UpperCholesky.forward(factor, d, x);
      trace += x[i];
    }
    return new Traces(trace, squares);
  }
}
