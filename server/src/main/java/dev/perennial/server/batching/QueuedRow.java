package dev.perennial.server.batching;

/** What {@link RowQueue} needs to know of a row. */
public interface QueuedRow {
  /** The deadline of a row that has none. */
  long NO_DEADLINE = Long.MAX_VALUE;

  /** Who asks; sources share a queue fairly. */
  Object source();

  /** On the queue's clock, or {@link #NO_DEADLINE}. */
  long deadlineNanos();

  /** Whether nobody waits for the row any more; it is then dropped without a word. */
  boolean abandoned();

  /**
   * Its deadline passed while it was queued: tells its caller. Called once, without any lock held,
   * on the thread that polls or offers.
   */
  void expire();
}
