package dev.perennial.server.training.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;

/**
 * Where threads wait for work and for news. Its monitor is never held over anything else, so
 * whoever wakes others does not wait. Safe for any thread.
 */
final class Wakeup {
  private static final Duration TEND = Duration.ofMillis(500);
  private static final Duration PAUSE = Duration.ofMillis(100);

  @GuardedBy("this")
  private boolean stirred;

  /** Counts what members have done, and what this one has got. */
  @GuardedBy("this")
  private long news;

  @GuardedBy("this")
  private boolean closed;

  /** There is something to tend. */
  synchronized void stir() {
    stirred = true;
    notifyAll();
  }

  /** Members came or went, or a job was learned or adopted: a call that failed may succeed now. */
  synchronized void news() {
    news++;
    stir();
  }

  synchronized void close() {
    closed = true;
    notifyAll();
  }

  /** Waits until there is something to tend, or for a while; false where the thread shall end. */
  synchronized boolean awaitStir() {
    long until = System.nanoTime() + TEND.toNanos();
    try {
      while (!stirred && !closed && waitUntil(until)) {}
      stirred = false;
      return !closed;
    } catch (InterruptedException e) {
      return false;
    }
  }

  /**
   * Waits for news, or for a short while. Stirring does not end it: those who pause stir. Throws
   * UNAVAILABLE where this member closes or the thread is interrupted.
   */
  synchronized void pause() {
    long until = System.nanoTime() + PAUSE.toNanos();
    long before = news;
    try {
      while (news == before && !closed && waitUntil(until)) {}
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ServingException(ErrorCode.UNAVAILABLE, "INTERRUPTED", "cluster: interrupted", e);
    }
    if (closed) {
      throw new ServingException(
          ErrorCode.UNAVAILABLE, "CLOSING", "this member: closing (expected: running)");
    }
  }

  /** False where that time has come. */
  @SuppressWarnings("WaitNotInLoop") // the callers loop
  @GuardedBy("this")
  private boolean waitUntil(long nanoTime) throws InterruptedException {
    long millis = Duration.ofNanos(nanoTime - System.nanoTime()).toMillis();
    if (millis <= 0) {
      return false;
    }
    wait(millis);
    return true;
  }
}
