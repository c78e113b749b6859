package dev.perennial.server.task.cluster;

import java.util.concurrent.CompletableFuture;

/** How a member sees the others and talks to them. Safe for any thread. */
public interface Members {
  /** Throws UNAVAILABLE (REJOINING) while this member is on its way from one group to another. */
  View view();

  /**
   * Sends a request to a member, which answers with {@link ClusterPool#answer}. The future fails
   * where the member leaves, cannot be reached, or answers with a failure; it may stay open while a
   * member is silent, so whoever waits sets a bound.
   */
  CompletableFuture<byte[]> ask(String member, Level level, byte[] request);

  /**
   * On which threads a request is answered. To answer one level, only lower ones are waited for: so
   * members never wait for each other in a circle.
   */
  enum Level {
    /** Answered from this member's memory and disk. */
    READ,
    /** Waits for READ. */
    REPLICATE,
    /** Waits for REPLICATE. */
    CHANGE
  }
}
