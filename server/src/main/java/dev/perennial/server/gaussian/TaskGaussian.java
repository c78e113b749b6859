package dev.perennial.server.gaussian;

/** One task's Gaussian and gate, ready to be asked. Immutable; safe for any thread. */
public final class TaskGaussian {
  public TaskGaussian(FeatureStatistics statistics, GateConstants constants) {
    throw new UnsupportedOperationException();
  }

  /** log N(f; mu, Sigma) of the features at the offset. */
  public double logDensity(float[] features, int offset) {
    throw new UnsupportedOperationException();
  }

  /** (logDensity - mean) / std. */
  public double z(double logDensity) {
    throw new UnsupportedOperationException();
  }

  /** w in [0, 1]. */
  public double gateWeight(double logDensity) {
    throw new UnsupportedOperationException();
  }
}
