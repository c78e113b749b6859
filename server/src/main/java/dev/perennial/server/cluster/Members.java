package dev.perennial.server.cluster;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/** How a member sees the others and talks to them. Safe for any thread. */
public interface Members {
  /** Throws UNAVAILABLE (REJOINING) while this member is on its way from one group to another. */
  View view();

  /**
   * Sends a request to a member, which answers as it said in {@link #serve}. The future fails where
   * the member leaves, cannot be reached, or answers with a failure; it may stay open while a
   * member is silent, so whoever waits sets a bound.
   */
  CompletableFuture<byte[]> ask(String member, Topic topic, Level level, byte[] request);

  /** From now on, requests of the others about a topic are answered here; that never throws. */
  void serve(Topic topic, UnaryOperator<byte[]> answering);

  /** Calls from now on when members came or went; what is called does not wait. */
  void listen(Runnable changed);

  /** What requests are about; each has threads of its own. */
  enum Topic {
    /** The pool of tasks. */
    POOL,
    /** Uploads and jobs. */
    TRAINING;

    /** Throws FAILED_PRECONDITION where a newer member talks of what this one does not know. */
    public static Topic named(String name) {
      for (Topic topic : values()) {
        if (topic.name().equals(name)) {
          return topic;
        }
      }
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "UNKNOWN_REQUEST",
          "topic of another member: " + name + " (expected: one of " + List.of(values()) + ")");
    }
  }

  /**
   * On which of its topic's threads a request is answered. To answer one level, only lower ones are
   * waited for: so members never wait for each other in a circle.
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
