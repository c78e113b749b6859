package dev.perennial.server.gaussian;

/**
 * The slow, obvious twin of {@link WithinClasses} and {@link DiscriminantHead}: row by row from the
 * features, a full matrix, Gauss-Jordan.
 */
final class SlowHead {
  final double[] mean;
  final double[][] classMeans;
  final double[][] within; // S_w
  final double[][] sigma;
  private final double[][] inverse;
  private final double logDeterminant;

  SlowHead(Rows rows) {
    int d = rows.dimension;
    double[] count = new double[rows.classes];
    mean = new double[d];
    classMeans = new double[rows.classes][d];
    for (int r = 0; r < rows.size(); r++) {
      count[rows.classOf[r]]++;
      for (int i = 0; i < d; i++) {
        mean[i] += quantised(rows, r, i) / rows.size();
        classMeans[rows.classOf[r]][i] += quantised(rows, r, i);
      }
    }
    int classes = 0;
    for (int c = 0; c < rows.classes; c++) {
      classes += count[c] > 0 ? 1 : 0;
      for (int i = 0; i < d; i++) {
        classMeans[c][i] = count[c] > 0 ? classMeans[c][i] / count[c] : mean[i];
      }
    }
    boolean scattered = rows.size() > classes;
    int degrees = scattered ? rows.size() - classes : rows.size() - 1;
    within = new double[d][d];
    for (int r = 0; r < rows.size(); r++) {
      double[] centre = scattered ? classMeans[rows.classOf[r]] : mean;
      for (int i = 0; i < d; i++) {
        for (int j = 0; j < d; j++) {
          within[i][j] +=
              (quantised(rows, r, i) - centre[i]) * (quantised(rows, r, j) - centre[j]) / degrees;
        }
      }
    }
    sigma = shrunk(within, degrees);
    inverse = new double[d][d];
    logDeterminant = invert(sigma, inverse);
  }

  private static double quantised(Rows rows, int r, int i) {
    return Math.round(rows.features[r * rows.dimension + i] * 16384.0) / 16384.0;
  }

  /** OAS as scikit-learn writes it, of "degrees + 1 rows around one mean". */
  private static double[][] shrunk(double[][] s, int degrees) {
    int d = s.length;
    int n = degrees + 1;
    double squares = 0;
    double trace = 0;
    for (int i = 0; i < d; i++) {
      trace += s[i][i] * degrees / n;
      for (int j = 0; j < d; j++) {
        squares += Math.pow(s[i][j] * degrees / n, 2);
      }
    }
    double alpha = squares / (d * d);
    double mu = trace / d;
    double rho = Math.min(1, (alpha + mu * mu) / ((n + 1) * (alpha - mu * mu / d)));
    double[][] result = new double[d][d];
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < d; j++) {
        result[i][j] = (1 - rho) * s[i][j];
      }
      result[i][i] += rho * mu * n / degrees + 1e-7;
    }
    return result;
  }

  /** Gauss-Jordan; returns log det. */
  private static double invert(double[][] matrix, double[][] inverse) {
    int d = matrix.length;
    double[][] a = new double[d][];
    for (int i = 0; i < d; i++) {
      a[i] = matrix[i].clone();
      inverse[i][i] = 1;
    }
    double log = 0;
    for (int k = 0; k < d; k++) {
      double pivot = a[k][k];
      log += Math.log(pivot);
      for (int j = 0; j < d; j++) {
        a[k][j] /= pivot;
        inverse[k][j] /= pivot;
      }
      for (int i = 0; i < d; i++) {
        double factor = a[i][k];
        for (int j = 0; i != k && j < d; j++) {
          a[i][j] -= factor * a[k][j];
          inverse[i][j] -= factor * inverse[k][j];
        }
      }
    }
    return log;
  }

  /** log N(f; mean_c, Sigma). */
  double classLogDensity(float[] f, int offset, int c) {
    int d = mean.length;
    double distance = 0;
    for (int i = 0; i < d; i++) {
      for (int j = 0; j < d; j++) {
        distance +=
            (f[offset + i] - classMeans[c][i]) * inverse[i][j] * (f[offset + j] - classMeans[c][j]);
      }
    }
    return -0.5 * (d * Math.log(2 * Math.PI) + logDeterminant + distance);
  }

  double logDensity(float[] f, int offset) {
    double sum = 0;
    double first = classLogDensity(f, offset, 0);
    for (int c = 0; c < classMeans.length; c++) {
      sum += Math.exp(classLogDensity(f, offset, c) - first);
    }
    return first + Math.log(sum / classMeans.length);
  }

  /** The posterior of the classes, densities raised to tau: what log-softmax(tau a) is. */
  double logProbability(float[] f, int offset, double tau, int asked) {
    double sum = 0;
    double of = classLogDensity(f, offset, asked);
    for (int c = 0; c < classMeans.length; c++) {
      sum += Math.exp(tau * (classLogDensity(f, offset, c) - of));
    }
    return -Math.log(sum);
  }
}
