package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One logical call: an attempt and, where {@link RetryPolicy} allows, the attempts after it, all
 * under one deadline. Attempts follow each other, so it needs no lock; cancelling the future
 * cancels the attempt under way.
 */
final class RetryingCall<T> {
  /** One try. */
  interface Attempt<T> {
    /**
     * Starts it; completing the future from outside cancels it.
     *
     * @param left until the whole call's deadline
     */
    CompletableFuture<T> start(Duration left);
  }

  private final Connection connection;
  private final Attempt<T> attempt;
  private final boolean idempotent;
  private final long deadlineNanos;
  private final CompletableFuture<T> future = new CompletableFuture<>();
  private volatile @Nullable CompletableFuture<T> running;
  private int attempts;

  private RetryingCall(
      Connection connection, boolean idempotent, Duration deadline, Attempt<T> attempt) {
    this.connection = connection;
    this.idempotent = idempotent;
    this.attempt = attempt;
    this.deadlineNanos = System.nanoTime() + deadline.toNanos();
  }

  /**
   * Starts it; every failure comes through the future, as a {@link PerennialException}.
   *
   * @param deadline of the whole
   * @param idempotent whether it may be repeated when nobody knows if it was done
   */
  static <T> CompletableFuture<T> start(
      Connection connection, boolean idempotent, Duration deadline, Attempt<T> attempt) {
    RetryingCall<T> call = new RetryingCall<>(connection, idempotent, deadline, attempt);
    try {
      connection.enterCall();
    } catch (PerennialException e) {
      return CompletableFuture.failedFuture(e);
    }
    var unused =
        connection
            .track(call.future)
            .whenComplete(
                (value, failure) -> {
                  connection.leaveCall();
                  CompletableFuture<T> under = call.running;
                  if (failure != null && under != null) {
                    under.cancel(false);
                  }
                });
    call.tryOnce();
    return call.future;
  }

  private void tryOnce() {
    if (future.isDone()) {
      return;
    }
    attempts++;
    try {
      CompletableFuture<T> started =
          attempt.start(Duration.ofNanos(deadlineNanos - System.nanoTime()));
      running = started;
      var unused = started.whenComplete(this::tried);
      if (future.isDone()) {
        started.cancel(false);
      }
    } catch (PerennialException e) {
      future.completeExceptionally(e);
    }
  }

  private void tried(@Nullable T value, @Nullable Throwable failure) {
    if (failure == null) {
      connection.retries().succeeded();
      future.complete(value);
    } else if (!future.isDone()) {
      failed(PerennialException.of(failure));
    }
  }

  private void failed(PerennialException failure) {
    Duration left = Duration.ofNanos(deadlineNanos - System.nanoTime());
    var wait = connection.retries().retry(failure, attempts, idempotent, left);
    if (wait.isEmpty()) {
      future.completeExceptionally(failure);
      return;
    }
    try {
      var unused =
          connection.timer().schedule(this::tryOnce, wait.get().toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      future.completeExceptionally(new PerennialException(Code.CANCELLED, "client: closed", e));
    }
  }
}
