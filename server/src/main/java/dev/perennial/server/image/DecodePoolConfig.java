package dev.perennial.server.image;

/**
 * Sizes of a {@link DecodePool}. At worst it holds {@code maxQueueSize} encoded images, and per
 * thread one decoded image (up to 16 bytes a pixel).
 *
 * @param threads that decode
 * @param maxQueueSize images that wait for a thread; more are refused
 */
public record DecodePoolConfig(int threads, int maxQueueSize) {
  /** Decoding at 500 images/s and core, half a second of work for one core. */
  private static final int DEFAULT_MAX_QUEUE_SIZE = 256;

  private static final int MAX_THREADS = 1024;
  private static final int MAX_QUEUE_SIZE = 1 << 20;

  /** Throws IllegalArgumentException out of range. */
  public DecodePoolConfig {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "decode threads: " + threads + " (expected: 1.." + MAX_THREADS + ")");
    }
    if (maxQueueSize < 1 || maxQueueSize > MAX_QUEUE_SIZE) {
      throw new IllegalArgumentException(
          "max decode queue size: " + maxQueueSize + " (expected: 1.." + MAX_QUEUE_SIZE + ")");
    }
  }

  /** One thread a processor. */
  public static DecodePoolConfig defaults() {
    return new DecodePoolConfig(
        Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()), DEFAULT_MAX_QUEUE_SIZE);
  }
}
