package dev.perennial.server.world;

/** Noise as a function of a place: a 32-bit hash ("lowbias32" by Chris Wellons), no state. */
final class Noise {
  private Noise() {}

  /** Uniform in [0, 1), the same for the same place. */
  static float unit(int place) {
    int hash = place;
    hash = (hash ^ (hash >>> 16)) * 0x7feb352d;
    hash = (hash ^ (hash >>> 15)) * 0x846ca68b;
    hash ^= hash >>> 16;
    return (hash >>> 8) * 0x1.0p-24f;
  }
}
