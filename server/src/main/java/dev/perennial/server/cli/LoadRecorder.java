package dev.perennial.server.cli;

import dev.perennial.client.PerennialException;
import dev.perennial.client.PerennialException.Code;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Counts what becomes of requests. Memory is bounded: latencies go into a histogram of fixed size,
 * three digits exact up to an hour. Safe for any thread; the monitor guards everything.
 */
final class LoadRecorder {
  private static final int DIGITS = 3;
  private static final long HIGHEST_MICROS = TimeUnit.HOURS.toMicros(1);

  private final LoadGenerator.Plan plan;
  private final long firstCountedNanos;
  private final Histogram latencyMicros = new Histogram(HIGHEST_MICROS, DIGITS);
  private final Map<String, Long> failures = new TreeMap<>();
  private long waiting;
  private long sent;
  private long onTime;
  private long rejected;
  private long expired;
  private long lastEndNanos;

  LoadRecorder(LoadGenerator.Plan plan) {
    this.plan = plan;
    this.firstCountedNanos = plan.warmUp().toNanos();
  }

  /**
   * A request goes out.
   *
   * @param due when it should, in nanoseconds since the start; what is due in the warm-up is not
   *     counted
   */
  synchronized void sent(long due) {
    waiting++;
    if (due >= firstCountedNanos) {
      sent++;
    }
  }

  /** A request was answered or failed at a time since the start. */
  synchronized void ended(long due, long endNanos, @Nullable Throwable failure) {
    waiting--;
    notifyAll();
    if (due < firstCountedNanos) {
      return;
    }
    lastEndNanos = Math.max(lastEndNanos, endNanos);
    if (failure != null) {
      failed(failure);
      return;
    }
    long latencyNanos = endNanos - due;
    latencyMicros.recordValue(
        Math.min(HIGHEST_MICROS, TimeUnit.NANOSECONDS.toMicros(Math.max(0, latencyNanos))));
    if (latencyNanos <= plan.deadline().toNanos()) {
      onTime++;
    }
  }

  private void failed(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    Code code = cause instanceof PerennialException known ? known.code() : Code.UNKNOWN;
    if (code == Code.RESOURCE_EXHAUSTED || code == Code.UNAVAILABLE) {
      rejected++;
    } else if (code == Code.DEADLINE_EXCEEDED) {
      expired++;
    } else {
      failures.merge(code.name(), 1L, Long::sum);
    }
  }

  /** Waits until nothing is under way; every request has a deadline of its own. */
  synchronized void awaitAll() throws InterruptedException {
    while (waiting > 0) {
      wait();
    }
  }

  synchronized LoadReport report() {
    double seconds = Math.max(plan.duration().toNanos(), lastEndNanos - firstCountedNanos) / 1e9;
    long answered = latencyMicros.getTotalCount();
    return new LoadReport(
        plan.rate(),
        seconds,
        plan.deadline().toNanos() / 1e6,
        sent,
        answered,
        onTime,
        rejected,
        expired,
        Map.copyOf(failures),
        answered / seconds,
        onTime / seconds,
        latencyMicros.getValueAtPercentile(50) / 1e3,
        latencyMicros.getValueAtPercentile(95) / 1e3,
        latencyMicros.getValueAtPercentile(99) / 1e3,
        latencyMicros.getMaxValue() / 1e3);
  }
}
