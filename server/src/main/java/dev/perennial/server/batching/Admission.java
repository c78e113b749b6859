package dev.perennial.server.batching;

/**
 * What became of a row that was offered to a queue.
 *
 * @param waitNanos the wait that was expected; for {@link Verdict#FULL} the time after which
 *     another try has a chance
 */
public record Admission(Verdict verdict, long waitNanos) {
  /** Whether the row was taken, and why not. */
  public enum Verdict {
    /** It waits in the queue. */
    ACCEPTED,
    /** As many rows wait as may. */
    FULL,
    /** Its deadline will have passed before its turn comes. */
    TOO_LATE,
    /** Its deadline had passed before it came. */
    EXPIRED,
    /** The queue is closed. */
    CLOSED
  }

  public boolean accepted() {
    return verdict == Verdict.ACCEPTED;
  }
}
