package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DecodePoolTest {
  private final DecodePool pool = new DecodePool(1, 3, 100);
  private final CountDownLatch running = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);

  @BeforeEach
  void occupyTheOnlyThread() throws InterruptedException {
    pool.start();
    CompletableFuture<String> first =
        pool.submit(
            1,
            () -> {
              running.countDown();
              awaitQuietly(release);
              return "first";
            });
    assertFalse(first.isDone());
    assertTrue(running.await(60, TimeUnit.SECONDS));
  }

  @AfterEach
  void close() {
    release.countDown();
    pool.close();
  }

  @Test
  void submit_queueFullByCount_isRefused() throws Exception {
    List<CompletableFuture<Integer>> waiting = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int number = i;
      waiting.add(pool.submit(1, () -> number));
    }
    ServingException refused = failure(pool.submit(1, () -> 3));
    assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refused.code());
    assertEquals("DECODE_QUEUE_FULL", refused.reason());
    assertTrue(refused.retryAfter() != null);
    release.countDown();
    for (int i = 0; i < 3; i++) {
      assertEquals(i, waiting.get(i).get(60, TimeUnit.SECONDS));
    }
    assertEquals(9, pool.submit(1, () -> 9).get(60, TimeUnit.SECONDS));
  }

  @Test
  void submit_queueFullByBytes_isRefused() {
    CompletableFuture<Integer> waiting = pool.submit(90, () -> 0);
    assertEquals("DECODE_QUEUE_FULL", failure(pool.submit(11, () -> 1)).reason());
    assertFalse(pool.submit(10, () -> 2).isDone());
    assertFalse(waiting.isDone());
  }

  @Test
  void submit_largerThanTheBound_fitsAnEmptyQueue() throws Exception {
    CompletableFuture<Integer> large = pool.submit(1_000, () -> 7);
    release.countDown();
    assertEquals(7, large.get(60, TimeUnit.SECONDS));
  }

  @Test
  void submit_cancelledWhileWaiting_isNeverRun() throws Exception {
    AtomicBoolean ran = new AtomicBoolean();
    CompletableFuture<Boolean> cancelled = pool.submit(1, () -> ran.getAndSet(true));
    cancelled.cancel(false);
    CompletableFuture<Integer> after = pool.submit(1, () -> 1);
    release.countDown();
    after.get(60, TimeUnit.SECONDS);
    assertFalse(ran.get());
  }

  @Test
  void submit_workThatThrows_failsItsFutureAlone() throws Exception {
    CompletableFuture<Integer> bad =
        pool.submit(
            1,
            () -> {
              throw new StackOverflowError();
            });
    CompletableFuture<Integer> good = pool.submit(1, () -> 1);
    release.countDown();
    ExecutionException seen =
        assertThrows(ExecutionException.class, () -> bad.get(60, TimeUnit.SECONDS));
    assertEquals(StackOverflowError.class, Objects.requireNonNull(seen.getCause()).getClass());
    assertEquals(1, good.get(60, TimeUnit.SECONDS));
  }

  @Test
  void close_workWaiting_completesEveryCaller() {
    CompletableFuture<Integer> waiting = pool.submit(1, () -> 1);
    CompletableFuture<Void> closing = CompletableFuture.runAsync(pool::close);
    assertEquals(ErrorCode.UNAVAILABLE, failure(waiting).code());
    release.countDown();
    closing.join();
    assertEquals(ErrorCode.UNAVAILABLE, failure(pool.submit(1, () -> 1)).code());
  }

  private static ServingException failure(CompletableFuture<?> future) {
    ExecutionException seen =
        assertThrows(ExecutionException.class, () -> future.get(60, TimeUnit.SECONDS));
    return (ServingException) Objects.requireNonNull(seen.getCause());
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
