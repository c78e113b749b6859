package dev.perennial.server.training;

/** How much heap one use may take: a fixed bound, or an eighth of a small heap. */
final class MemoryBounds {

  private static final int SHARE = 8;

  private MemoryBounds() {}

  static long ofHeap(long mostBytes) {
    return Math.min(mostBytes, Runtime.getRuntime().maxMemory() / SHARE);
  }
}
