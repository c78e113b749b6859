package dev.perennial.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One logical call: an attempt and, where {@link RetryPolicy} allows, the attempts after it, on
 * other members where there are some, all under one deadline. With hedging a second attempt starts
 * on another member when the first is slow, and the first answer counts. The monitor guards what
 * the attempts share; cancelling the future cancels those under way.
 */
final class RetryingCall<T> {
  /** One try. */
  interface Attempt<T> {
    /**
     * Starts it; completing the future from outside cancels it.
     *
     * @param left until the whole call's deadline
     */
    CompletableFuture<T> start(Duration left, Route route);
  }

  private final Connection connection;
  private final Attempt<T> attempt;
  private final boolean hedged;
  private final long deadlineNanos;
  private final CompletableFuture<T> future = new CompletableFuture<>();
  private final Set<CompletableFuture<T>> running = new HashSet<>();
  private final Tries tries;
  private final List<PerennialException> failures = new ArrayList<>();
  private boolean second;

  private RetryingCall(
      Connection connection, boolean hedged, Duration deadline, Attempt<T> attempt) {
    this.connection = connection;
    this.hedged = hedged;
    this.tries = new Tries(connection);
    this.attempt = attempt;
    this.deadlineNanos = System.nanoTime() + deadline.toNanos();
  }

  /**
   * Starts it; every failure comes through the future, as a {@link PerennialException}, with those
   * of earlier attempts as suppressed ones.
   *
   * @param hedged whether a slow attempt may get a second one beside it
   * @param deadline of the whole
   */
  static <T> CompletableFuture<T> start(
      Connection connection, boolean hedged, Duration deadline, Attempt<T> attempt) {
    RetryingCall<T> call = new RetryingCall<>(connection, hedged, deadline, attempt);
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
                  call.underWay().forEach(one -> one.cancel(false));
                });
    call.tryOnce();
    return call.future;
  }

  private synchronized List<CompletableFuture<T>> underWay() {
    return List.copyOf(running);
  }

  private void tryOnce() {
    if (future.isDone()) {
      return;
    }
    Route route;
    synchronized (this) {
      route = new Route(tries.avoided());
    }
    try {
      CompletableFuture<T> started = attempt.start(left(), route);
      synchronized (this) {
        running.add(started);
      }
      var unused = started.whenComplete((value, failure) -> tried(started, route, value, failure));
      if (future.isDone()) {
        started.cancel(false);
      }
      hedgeLater(route);
    } catch (PerennialException e) {
      future.completeExceptionally(e);
    }
  }

  private Duration left() {
    return Duration.ofNanos(deadlineNanos - System.nanoTime());
  }

  private void hedgeLater(Route route) {
    Duration patience = connection.config().hedgeAfter();
    if (hedged && patience != null && !future.isDone()) {
      Future<?> hedging = connection.after(patience, () -> hedge(route));
      var unused = future.whenComplete((value, failure) -> hedging.cancel(false));
    }
  }

  /** The second attempt beside the first; there is no third. */
  private void hedge(Route first) {
    synchronized (this) {
      if (running.isEmpty()
          || second
          || first.alternatives() == 0
          || !connection.retries().hedge()) {
        return;
      }
      second = true;
      tries.avoid(first);
    }
    tryOnce();
  }

  @SuppressWarnings("CollectionUndefinedEquality") // by identity, on purpose
  private void tried(
      CompletableFuture<T> ended, Route route, @Nullable T value, @Nullable Throwable failure) {
    boolean last;
    synchronized (this) {
      running.remove(ended);
      last = running.isEmpty();
    }
    if (failure == null) {
      connection.retries().succeeded();
      future.complete(value);
    } else if (!future.isDone()) {
      failed(PerennialException.of(failure).at(route.address()), route, last);
    }
  }

  private void failed(PerennialException failure, Route route, boolean last) {
    Optional<Duration> wait;
    synchronized (this) {
      wait = tries.failed(failure, route, left());
      if (wait.isPresent()) {
        keep(failure);
        if (!last) {
          return; // the other attempt may still answer
        }
      } else {
        failures.forEach(failure::addSuppressed);
      }
    }
    if (wait.isEmpty()) {
      future.completeExceptionally(failure);
    } else if (wait.get().isZero()) {
      tryOnce();
    } else {
      tryLater(wait.get());
    }
  }

  /** Of a search for members the last failure says it all. */
  private void keep(PerennialException failure) {
    boolean searching = failure.member() == null;
    if (searching && !failures.isEmpty() && failures.get(failures.size() - 1).member() == null) {
      failures.remove(failures.size() - 1);
    }
    failures.add(failure);
  }

  private void tryLater(Duration wait) {
    try {
      var unused = connection.after(wait, this::tryOnce);
    } catch (PerennialException e) {
      future.completeExceptionally(e);
    }
  }
}
