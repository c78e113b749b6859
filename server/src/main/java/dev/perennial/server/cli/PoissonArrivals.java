package dev.perennial.server.cli;

import java.util.SplittableRandom;

/**
 * Arrival times of independent callers: gaps are exponential, -ln(u) / rate. The same seed gives
 * the same times. Not thread-safe.
 */
final class PoissonArrivals {
  private static final double NANOS_PER_SECOND = 1e9;

  private final SplittableRandom random;
  private final double ratePerSecond;
  private double nextNanos;

  /**
   * @param ratePerSecond mean arrivals in a second, above 0
   */
  PoissonArrivals(double ratePerSecond, long seed) {
    if (!(ratePerSecond > 0) || Double.isInfinite(ratePerSecond)) {
      throw new IllegalArgumentException("rate: " + ratePerSecond + " (expected: above 0)");
    }
    this.ratePerSecond = ratePerSecond;
    this.random = new SplittableRandom(seed);
  }

  /** The next arrival, in nanoseconds since the start; never before the previous one. */
  long next() {
    double uniform = 1 - random.nextDouble(); // (0, 1]
    nextNanos += -Math.log(uniform) / ratePerSecond * NANOS_PER_SECOND;
    return (long) nextNanos;
  }
}
