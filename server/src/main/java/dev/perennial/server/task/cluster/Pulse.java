package dev.perennial.server.task.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Counts how often this process stood still (stopped by a signal, a suspended machine, a very long
 * pause) for so long that the others may have given it up. Somebody has to beat all the time. Safe
 * for any thread.
 */
final class Pulse {
  private final long limitNanos;
  private final LongSupplier nanoTime;

  @GuardedBy("this")
  private long last;

  @GuardedBy("this")
  private long stops;

  @GuardedBy("this")
  private long lastStop;

  Pulse(Duration limit, LongSupplier nanoTime) {
    this.limitNanos = limit.toNanos();
    this.nanoTime = nanoTime;
    this.last = nanoTime.getAsLong();
  }

  /**
   * Beats; returns how often the process has stood still until now. Whatever was agreed on under
   * another number may not hold any more.
   */
  synchronized long stops() {
    long now = nanoTime.getAsLong();
    if (now - last > limitNanos) {
      stops++;
      lastStop = now;
    }
    last = now;
    return stops;
  }

  /** Whether the last time ended less than so long ago. */
  synchronized boolean stoodStillWithin(Duration time) {
    return stops() > 0 && nanoTime.getAsLong() - lastStop < time.toNanos();
  }
}
