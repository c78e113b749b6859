package dev.perennial.server.grpc;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Threads for what waits for a disk, which no event loop may. Bounded. Safe for any thread. */
final class StorePool implements AutoCloseable {
  private static final int THREADS = 4;
  private static final int MAX_QUEUE_SIZE = 1_024;
  private static final Duration RETRY_AFTER = Duration.ofMillis(500);

  private final ThreadPoolExecutor executor =
      new ThreadPoolExecutor(
          THREADS,
          THREADS,
          1,
          TimeUnit.MINUTES,
          new LinkedBlockingQueue<>(MAX_QUEUE_SIZE),
          task -> {
            Thread thread = new Thread(task, "store");
            thread.setDaemon(true);
            return thread;
          });

  /** Fails with RESOURCE_EXHAUSTED at the bound, UNAVAILABLE once closed. */
  <T> CompletableFuture<T> submit(Supplier<T> work) {
    try {
      return CompletableFuture.supplyAsync(work, executor);
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(
          executor.isShutdown()
              ? new ServingException(ErrorCode.UNAVAILABLE, "CLOSING", "this server is closing")
              : ServingException.exhausted(
                  "STORE_QUEUE_FULL",
                  "calls waiting for the disk: "
                      + MAX_QUEUE_SIZE
                      + " (expected: fewer than "
                      + MAX_QUEUE_SIZE
                      + ")",
                  RETRY_AFTER));
    }
  }

  /** Runs what is queued, then ends. */
  @Override
  public void close() {
    executor.shutdown();
    try {
      if (!executor.awaitTermination(30, TimeUnit.SECONDS)) {
        executor.shutdownNow();
      }
    } catch (InterruptedException e) {
      executor.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
