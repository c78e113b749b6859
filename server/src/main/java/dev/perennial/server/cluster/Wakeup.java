package dev.perennial.server.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;

/**
 * Where threads wait for work and for news. Its monitor is never held over anything else, so
 * whoever wakes others does not wait. Safe for any thread.
 */
public final class Wakeup {
  private static final Duration PAUSE = Duration.ofMillis(100);

  private final Duration tend;

  @GuardedBy("this")
  private boolean stirred;

  /** Counts what somebody may wait for. */
  @GuardedBy("this")
  private long news;

  @GuardedBy("this")
  private boolean closed;

  /**
   * @param tend how long a thread that tends waits at most
   */
  public Wakeup(Duration tend) {
    this.tend = tend;
  }

  /** There is something to tend. */
  public synchronized void stir() {
    stirred = true;
    notifyAll();
  }

  /** Something has changed: a call that failed may succeed now. */
  public synchronized void news() {
    news++;
    stir();
  }

  public synchronized void close() {
    closed = true;
    notifyAll();
  }

  /** Waits until there is something to tend, or for a while; false where the thread shall end. */
  public synchronized boolean awaitStir() {
    long until = System.nanoTime() + tend.toNanos();
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
  public synchronized void pause() {
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
