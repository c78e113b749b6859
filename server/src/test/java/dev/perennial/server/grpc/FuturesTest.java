package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class FuturesTest {
  private final CompletableFuture<Integer> first = new CompletableFuture<>();
  private final CompletableFuture<String> second = new CompletableFuture<>();

  @Test
  void then_bothDone_hasTheSecondsValue() {
    CompletableFuture<String> result = Futures.then(first, value -> second);
    first.complete(1);
    assertFalse(result.isDone());
    second.complete("x");
    assertEquals("x", result.join());
  }

  @Test
  void then_cancelledDuringTheFirst_cancelsItAndNeverStartsTheSecond() {
    AtomicBoolean started = new AtomicBoolean();
    CompletableFuture<String> result =
        Futures.then(
            first,
            value -> {
              started.set(true);
              return second;
            });
    result.cancel(false);
    assertTrue(first.isCancelled());
    assertFalse(started.get());
  }

  @Test
  void then_cancelledDuringTheSecond_cancelsIt() {
    CompletableFuture<String> result = Futures.then(first, value -> second);
    first.complete(1);
    result.cancel(false);
    assertTrue(second.isCancelled());
  }

  @Test
  void then_anythingFails_failsTheResult() {
    CompletableFuture<String> result = Futures.then(first, value -> second);
    first.completeExceptionally(new IllegalStateException("a"));
    assertTrue(result.isCompletedExceptionally());
    CompletableFuture<String> thrown =
        Futures.then(
            CompletableFuture.completedFuture(1),
            value -> {
              throw new IllegalStateException("b");
            });
    assertTrue(thrown.isCompletedExceptionally());
  }
}
