package dev.perennial.server.gaussian;

/** Sums of what is only known by its logarithm. */
public final class LogSpace {
  private LogSpace() {}

  /** log sum exp of the values; minus infinity where there are none or all are that. */
  public static double logSumExp(double[] values) {
    double max = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      max = Math.max(max, value);
    }
    if (max == Double.NEGATIVE_INFINITY) {
      return max;
    }
    double sum = 0;
    for (double value : values) {
      sum += Math.exp(value - max);
    }
    return max + Math.log(sum);
  }

  /** The values less their log-sum-exp: logarithms of probabilities, in a new array. */
  public static double[] logSoftmax(double[] values) {
    double total = logSumExp(values);
    double[] result = new double[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = values[i] - total;
    }
    return result;
  }

  /** log sigmoid(x), also where sigmoid(x) underflows. */
  public static double logSigmoid(double x) {
    return x >= 0 ? -Math.log1p(Math.exp(-x)) : x - Math.log1p(Math.exp(x));
  }
}
