package dev.perennial.server.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Which epoch a device serves, and who waits for one. Safe for any thread. */
final class InstalledEpochs {
  private record Waiter(long epoch, CompletableFuture<Void> future) {}

  @GuardedBy("this")
  private final List<Waiter> waiters = new ArrayList<>();

  @GuardedBy("this")
  private long served = -1;

  /** The last epoch that could not be installed, and why. */
  @GuardedBy("this")
  private long refused = -1;

  @GuardedBy("this")
  private @Nullable ServingException refusedBecause;

  /**
   * Set once the device serves no more; without a reason it has failed, and nobody waits for it.
   */
  @GuardedBy("this")
  private boolean ended;

  @GuardedBy("this")
  private @Nullable ServingException endedBecause;

  synchronized long served() {
    return served;
  }

  /**
   * Completes when the device serves the epoch or a later one, or has failed; fails where it cannot
   * install the epoch or is closed before.
   */
  synchronized CompletableFuture<Void> installed(long epoch) {
    if (served >= epoch) {
      return CompletableFuture.completedFuture(null);
    }
    if (ended) {
      return endedBecause == null
          ? CompletableFuture.completedFuture(null)
          : CompletableFuture.failedFuture(endedBecause);
    }
    if (refusedBecause != null && epoch <= refused) {
      return CompletableFuture.failedFuture(refusedBecause);
    }
    CompletableFuture<Void> future = new CompletableFuture<>();
    waiters.add(new Waiter(epoch, future));
    return future;
  }

  void serves(long epoch) {
    synchronized (this) {
      served = epoch;
    }
    remove(waiter -> waiter.epoch() <= epoch).forEach(waiter -> waiter.future().complete(null));
  }

  synchronized boolean isRefused(long epoch) {
    return refused == epoch;
  }

  void refuse(long epoch, ServingException error) {
    synchronized (this) {
      refused = epoch;
      refusedBecause = error;
    }
    remove(waiter -> waiter.epoch() <= epoch)
        .forEach(waiter -> waiter.future().completeExceptionally(error));
  }

  /** The device has failed: the others' epochs count without it. */
  void fail() {
    synchronized (this) {
      ended = true;
    }
    remove(waiter -> true).forEach(waiter -> waiter.future().complete(null));
  }

  void close(ServingException error) {
    synchronized (this) {
      ended = true;
      endedBecause = error;
    }
    remove(waiter -> true).forEach(waiter -> waiter.future().completeExceptionally(error));
  }

  private synchronized List<Waiter> remove(Predicate<Waiter> matches) {
    List<Waiter> removed = waiters.stream().filter(matches).toList();
    waiters.removeAll(removed);
    return removed;
  }
}
