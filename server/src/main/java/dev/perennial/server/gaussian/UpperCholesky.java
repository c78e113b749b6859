package dev.perennial.server.gaussian;

/**
 * Cholesky factor Sigma = U^T U, the upper triangle packed row by row, in double. Row k of U holds
 * what step k needs, so both the factorisation and the forward substitution run over contiguous
 * memory in loops that the JVM turns into vector instructions.
 */
final class UpperCholesky {
  private UpperCholesky() {}

  /**
   * Factors in place.
   *
   * @param a upper triangle of a symmetric matrix, row by row; afterwards U
   * @param floor smallest pivot: rounding may push one below what was added to the diagonal
   */
  static void factor(double[] a, int d, double floor) {
    int row = 0;
    for (int k = 0; k < d; k++) {
      double pivot = Math.sqrt(Math.max(a[row], floor));
      a[row] = pivot;
      for (int j = row + 1; j < row + d - k; j++) {
        a[j] /= pivot;
      }
      int target = row + d - k;
      for (int i = k + 1; i < d; i++) {
        subtractScaled(a, target, a, row + i - k, a[row + i - k], d - i);
        target += d - i;
      }
      row += d - k;
    }
  }

  /** x[at + j] -= factor * y[from + j]. */
  static void subtractScaled(double[] x, int at, double[] y, int from, double factor, int length) {
    for (int j = 0; j < length; j++) {
      x[at + j] -= factor * y[from + j];
    }
  }

  /** 2 sum log U_kk = log det Sigma. */
  static double logDeterminant(double[] u, int d) {
    double sum = 0;
    for (int k = 0, row = 0; k < d; row += d - k, k++) {
      sum += Math.log(u[row]);
    }
    return 2 * sum;
  }
}
