package dev.perennial.server.task.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Notices that this process stood still (stopped by a signal, a suspended machine, a very long
 * pause) for as long as the others take to give it up. Whoever beats first afterwards sees it. Safe
 * for any thread.
 */
final class Pulse {
  private final long limitNanos;
  private final LongSupplier nanoTime;

  @GuardedBy("this")
  private long last;

  Pulse(Duration limit, LongSupplier nanoTime) {
    this.limitNanos = limit.toNanos();
    this.nanoTime = nanoTime;
    this.last = nanoTime.getAsLong();
  }

  /** Beats; true where the last beat is too long ago. */
  synchronized boolean stoodStill() {
    long now = nanoTime.getAsLong();
    boolean still = now - last > limitNanos;
    last = now;
    return still;
  }
}
