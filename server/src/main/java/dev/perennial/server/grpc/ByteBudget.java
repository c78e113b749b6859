package dev.perennial.server.grpc;

import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** Bytes of tasks' files that all calls together may hold in memory. Safe for any thread. */
final class ByteBudget {
  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

  private final long mostBytes;
  private final AtomicLong usedBytes = new AtomicLong();

  ByteBudget(long mostBytes) {
    this.mostBytes = mostBytes;
  }

  /** Bytes that are lent until this is closed; twice is fine. */
  interface Lease extends AutoCloseable {
    @Override
    void close();
  }

  /** Throws RESOURCE_EXHAUSTED while others have too many of them. */
  Lease lend(long bytes) {
    if (usedBytes.addAndGet(bytes) > mostBytes) {
      long used = usedBytes.addAndGet(-bytes);
      throw ServingException.exhausted(
          "TOO_MANY_TASK_FILES",
          "bytes of tasks' files on their way: "
              + used
              + ", with another "
              + bytes
              + " (expected: at most "
              + mostBytes
              + ")",
          RETRY_AFTER);
    }
    AtomicBoolean closed = new AtomicBoolean();
    return () -> {
      if (closed.compareAndSet(false, true)) {
        usedBytes.addAndGet(-bytes);
      }
    };
  }
}
