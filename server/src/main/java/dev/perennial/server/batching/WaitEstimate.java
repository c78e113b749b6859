package dev.perennial.server.batching;

/**
 * Smoothed cost of a row, and how many more rows one fresh row leads to. Not thread-safe.
 *
 * <p>Exponential means over batches: they follow a change of load within ten batches, and no single
 * batch.
 */
final class WaitEstimate {
  /** Weight of the newest batch. */
  private static final double SMOOTHING = 0.2;

  private double rowNanos;
  private double freshRows;
  private double laterRows;
  private boolean measured;

  /**
   * A batch was run.
   *
   * @param fresh rows in it that were there for the first time
   * @param later rows in it that had come back
   * @param nanos time from the batch before to its end, all that was done between included
   */
  void ran(int fresh, int later, long nanos) {
    int rows = fresh + later;
    if (rows == 0 || nanos < 0) {
      return;
    }
    double weight = measured ? SMOOTHING : 1;
    rowNanos += weight * ((double) nanos / rows - rowNanos);
    freshRows += weight * (fresh - freshRows);
    laterRows += weight * (later - laterRows);
    measured = true;
  }

  /** Expected time to run so many fresh rows and rows that came back; 0 while nothing is known. */
  long nanos(long fresh, long later) {
    // A row comes back once at most, bar a change of the pool.
    double laterPerFresh = freshRows > 0 ? Math.min(1, laterRows / freshRows) : 1;
    return (long) ((fresh * (1 + laterPerFresh) + later) * rowNanos);
  }
}
