package dev.perennial.server.image;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * A fixed number of threads that turn pictures into the model's input, behind a bounded queue. Safe
 * for any thread; no call waits.
 *
 * <p>Futures complete on a thread of the pool. A future that its owner cancels while it waits is
 * skipped.
 */
public final class DecodePool implements AutoCloseable {
  /** A queue of that size is worked off in about half a second. */
  private static final Duration RETRY_AFTER = Duration.ofMillis(500);

  private final ImageDecoder decoder;
  private final Preprocessing preprocessing;
  private final ThreadPoolExecutor threads;
  private final int maxQueueSize;

  /** Starts no thread before the first picture. */
  public DecodePool(DecodePoolConfig config, ImageDecoder decoder, Preprocessing preprocessing) {
    this.decoder = decoder;
    this.preprocessing = preprocessing;
    this.maxQueueSize = config.maxQueueSize();
    AtomicInteger number = new AtomicInteger();
    this.threads =
        new ThreadPoolExecutor(
            config.threads(),
            config.threads(),
            0,
            TimeUnit.NANOSECONDS,
            new ArrayBlockingQueue<>(config.maxQueueSize()),
            task -> {
              Thread thread = new Thread(task, "decode-" + number.getAndIncrement());
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Decodes, resizes and normalises an image file: (3, S, S). Fails with INVALID_ARGUMENT for a bad
   * file, RESOURCE_EXHAUSTED when the queue is full, UNAVAILABLE once the pool is closed.
   */
  public CompletableFuture<float[]> pixels(byte[] encoded) {
    return submit(() -> preprocessing.pixels(decoder.decode(encoded)));
  }

  /** Resizes and normalises decoded pixels; fails like the other. */
  public CompletableFuture<float[]> pixels(RgbImage image) {
    return submit(() -> preprocessing.pixels(image));
  }

  /** Pictures that wait for a thread. */
  public int queueSize() {
    return threads.getQueue().size();
  }

  /** Makes a thread busy with something else, for tests of what happens meanwhile. */
  void occupy(Runnable work) {
    CompletableFuture<float[]> unused =
        submit(
            () -> {
              work.run();
              return new float[0];
            });
  }

  private CompletableFuture<float[]> submit(Supplier<float[]> work) {
    Decoding decoding = new Decoding(work);
    try {
      threads.execute(decoding);
    } catch (RejectedExecutionException e) {
      decoding.future.completeExceptionally(threads.isShutdown() ? closed() : full());
    }
    return decoding.future;
  }

  private ServingException full() {
    return ServingException.exhausted(
        "DECODE_QUEUE_FULL",
        "images that wait to be decoded: " + maxQueueSize + " (expected: fewer)",
        RETRY_AFTER);
  }

  private static ServingException closed() {
    return new ServingException(
        ErrorCode.UNAVAILABLE, "DECODER_CLOSED", "decoder: closed (expected: open)");
  }

  /**
   * Refuses what comes, completes what waits with UNAVAILABLE, and lets the threads finish the
   * pictures they are at.
   */
  @Override
  public void close() {
    threads.shutdown();
    List<Runnable> waiting = new ArrayList<>();
    threads.getQueue().drainTo(waiting);
    for (Runnable task : waiting) {
      ((Decoding) task).future.completeExceptionally(closed());
    }
  }

  /** One picture's work and the future that its owner holds. */
  private static final class Decoding implements Runnable {
    private final CompletableFuture<float[]> future = new CompletableFuture<>();
    private final Supplier<float[]> work;

    Decoding(Supplier<float[]> work) {
      this.work = work;
    }

    @Override
    public void run() {
      if (future.isDone()) {
        return;
      }
      try {
        future.complete(work.get());
      } catch (RuntimeException e) {
        future.completeExceptionally(e);
      } catch (Error e) {
        // Out of memory, most likely: the owner must not wait for ever.
        future.completeExceptionally(e);
        throw e;
      }
    }
  }
}
