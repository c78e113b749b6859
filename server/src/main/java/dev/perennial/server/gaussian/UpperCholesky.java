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

  /** Solves U^T U x = b in place. */
  static void solve(double[] u, int d, double[] x) {
    forward(u, d, x);
    for (int k = d - 1, row = u.length - 1; k >= 0; k--, row -= d - k) {
      double sum = x[k];
      for (int j = k + 1; j < d; j++) {
        sum -= u[row + j - k] * x[j];
      }
      x[k] = sum / u[row];
    }
  }

  /** Solves U^T y = b in place; returns |y|^2, which is b^T Sigma^-1 b. */
  static double forward(double[] u, int d, double[] x) {
    double squares = 0;
    for (int k = 0, row = 0; k < d; row += d - k, k++) {
      double y = x[k] / u[row];
      x[k] = y;
      squares += y * y;
      subtractScaled(x, k + 1, u, row + 1, y, d - k - 1);
    }
    return squares;
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
