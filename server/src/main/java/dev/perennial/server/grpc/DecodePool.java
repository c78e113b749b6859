package dev.perennial.server.grpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The threads between event loops and devices: they decode images and cut labels into tokens. The
 * queue is bounded in count and in bytes; at the bound work is refused. Work whose future was
 * cancelled is skipped. Safe for any thread.
 */
final class DecodePool implements AutoCloseable {
  private static final Duration RETRY_AFTER = Duration.ofMillis(200);

  /** Something to do, and what it holds until then. */
  private record Work<T>(long bytes, Supplier<T> supplier, CompletableFuture<T> future) {
    void run() {
      if (future.isDone()) {
        return;
      }
      try {
        future.complete(supplier.get());
      } catch (Throwable failure) {
        future.completeExceptionally(failure);
      }
    }
  }

  private final int maxQueueSize;
  private final long maxQueueBytes;
  private final List<Thread> threads = new ArrayList<>();
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Queue<Work<?>> queue = new ArrayDeque<>();

  @GuardedBy("lock")
  private long queueBytes;

  @GuardedBy("lock")
  private boolean closed;

  DecodePool(int threadCount, int maxQueueSize, long maxQueueBytes) {
    this.maxQueueSize = maxQueueSize;
    this.maxQueueBytes = maxQueueBytes;
    for (int i = 0; i < threadCount; i++) {
      Thread thread = new Thread(this::work, "decode-" + i);
      thread.setDaemon(true);
      threads.add(thread);
    }
  }

  void start() {
    threads.forEach(Thread::start);
  }

  /**
   * Queues work; the future fails with RESOURCE_EXHAUSTED at the bound, UNAVAILABLE once closed.
   *
   * @param bytes what the work holds in memory while it waits
   */
  <T> CompletableFuture<T> submit(long bytes, Supplier<T> supplier) {
    Work<T> work = new Work<>(bytes, supplier, new CompletableFuture<>());
    synchronized (lock) {
      if (closed) {
        return CompletableFuture.failedFuture(closing());
      }
      // A single piece of work always fits an empty queue.
      boolean full = queue.size() >= maxQueueSize || queueBytes + bytes > maxQueueBytes;
      if (full && !queue.isEmpty()) {
        return CompletableFuture.failedFuture(full(queue.size(), queueBytes));
      }
      queue.add(work);
      queueBytes += bytes;
      lock.notify();
    }
    return work.future();
  }

  @Override
  public void close() {
    List<Work<?>> left;
    synchronized (lock) {
      closed = true;
      left = List.copyOf(queue);
      queue.clear();
      queueBytes = 0;
      lock.notifyAll();
    }
    left.forEach(work -> work.future().completeExceptionally(closing()));
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private void work() {
    while (true) {
      Work<?> next;
      synchronized (lock) {
        while (queue.isEmpty() && !closed) {
          try {
            lock.wait();
          } catch (InterruptedException e) {
            return; // nobody interrupts these threads but the JVM's end
          }
        }
        if (closed) {
          return;
        }
        next = queue.remove();
        queueBytes -= next.bytes();
      }
      next.run();
    }
  }

  private ServingException full(int size, long bytes) {
    return ServingException.exhausted(
        "DECODE_QUEUE_FULL",
        String.format(
            "decode queue: %d waiting with %d bytes (expected: at most %d, and %d bytes)",
            size, bytes, maxQueueSize, maxQueueBytes),
        RETRY_AFTER);
  }

  private static ServingException closing() {
    return new ServingException(ErrorCode.UNAVAILABLE, "CLOSING", "this server is closing");
  }
}
