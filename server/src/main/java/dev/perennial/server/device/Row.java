package dev.perennial.server.device;

import dev.perennial.server.batching.QueuedRow;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One request on its way through a worker. Its future may be completed or cancelled from any thread
 * at any time; everything else belongs to the worker's thread.
 */
abstract sealed class Row implements QueuedRow permits ClassifyRow, EmbedRow {
  private final Object source;
  private final long deadlineNanos;
  private final long queuedNanos;
  private final DeviceCounters counters;
  private final AtomicBoolean left = new AtomicBoolean();

  Row(Object source, long deadlineNanos, long queuedNanos, DeviceCounters counters) {
    this.source = source;
    this.deadlineNanos = deadlineNanos;
    this.queuedNanos = queuedNanos;
    this.counters = counters;
  }

  /** Counts it as in flight, until it is answered, fails or is cancelled. */
  final void enter() {
    counters.inFlight.incrementAndGet();
    var unused = future().whenComplete((answer, error) -> leave()); // where its caller cancelled it
  }

  /** Before the caller hears of the end: who asks next may find an idle device. */
  final void leave() {
    if (left.compareAndSet(false, true)) {
      counters.inFlight.decrementAndGet();
    }
  }

  abstract CompletableFuture<?> future();

  final void fail(ServingException error) {
    leave();
    future().completeExceptionally(error);
  }

  final long queuedNanos() {
    return queuedNanos;
  }

  @Override
  public final Object source() {
    return source;
  }

  @Override
  public final long deadlineNanos() {
    return deadlineNanos;
  }

  @Override
  public final boolean abandoned() {
    return future().isDone();
  }

  @Override
  public final void expire() {
    counters.expired.increment();
    fail(expired());
  }

  static ServingException expired() {
    return new ServingException(
        ErrorCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "deadline: passed while queued");
  }

  final boolean expiredAt(long nowNanos) {
    return deadlineNanos != NO_DEADLINE && deadlineNanos - nowNanos <= 0;
  }
}
