package dev.perennial.server.world;

import java.util.List;

/**
 * Random numbers from a 64-bit seed: SplitMix64 (Steele, Lea and Flood 2014), written out so that
 * one seed gives the same numbers on every machine and every JDK. Not thread-safe; make one per
 * picture with {@link #of}.
 */
public final class SeededRandom {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;
  private static final double UNIT = 0x1.0p-53;

  private long state;

  private SeededRandom(long state) {
    this.state = state;
  }

  /** A generator of its own for each path of numbers, such as (seed, split, class, index). */
  public static SeededRandom of(long... path) {
    long state = 0;
    for (long part : path) {
      state = mix(state + GOLDEN_GAMMA + mix(part + GOLDEN_GAMMA));
    }
    return new SeededRandom(state);
  }

  private static long mix(long value) {
    long z = value;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /** 64 random bits. */
  public long nextLong() {
    state += GOLDEN_GAMMA;
    return mix(state);
  }

  /** Uniform in [0, 1). */
  public double nextDouble() {
    return (nextLong() >>> 11) * UNIT;
  }

  /** Uniform in [from, to). */
  public double uniform(double from, double to) {
    return from + (to - from) * nextDouble();
  }

  /** Uniform in 0..bound-1; the bias of the simple product is below bound / 2^53. */
  public int nextInt(int bound) {
    return (int) (nextDouble() * bound);
  }

  /** True with this probability. */
  public boolean chance(double probability) {
    return nextDouble() < probability;
  }

  /** Any element, each as likely as the others. */
  public <T> T choose(List<T> options) {
    return options.get(nextInt(options.size()));
  }

  /** Normal distribution (Marsaglia's polar method). */
  public double normal(double mean, double deviation) {
    double x;
    double y;
    double squared;
    do {
      x = uniform(-1, 1);
      y = uniform(-1, 1);
      squared = x * x + y * y;
    } while (squared >= 1 || squared == 0);
    return mean + deviation * x * Math.sqrt(-2 * StrictMath.log(squared) / squared);
  }

  /** exp of a normal distribution: a factor around 1 for a mean of 0. */
  public double logNormal(double mean, double deviation) {
    return StrictMath.exp(normal(mean, deviation));
  }
}
