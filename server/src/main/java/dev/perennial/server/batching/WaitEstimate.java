package dev.perennial.server.batching;

/**
 * Recent cost of a row, and how many more rows one fresh row leads to. Not thread-safe.
 *
 * <p>Ratios of sums that forget: each batch counts by its rows, so that a full batch, which says
 * most about a full queue, outweighs many small ones at once.
 */
final class WaitEstimate {
  /** What is kept of the sums with each batch. */
  private static final double KEPT = 0.8;

  private double nanos;
  private double freshRows;
  private double laterRows;

  /**
   * A batch was run.
   *
   * @param fresh rows in it that were there for the first time
   * @param later rows in it that had come back
   * @param batchNanos time from the batch before to its end, all that was done between included
   */
  void ran(int fresh, int later, long batchNanos) {
    if (fresh + later == 0 || batchNanos < 0) {
      return;
    }
    nanos = KEPT * nanos + batchNanos;
    freshRows = KEPT * freshRows + fresh;
    laterRows = KEPT * laterRows + later;
  }

  /** Expected time to run so many fresh rows and rows that came back; 0 while nothing is known. */
  long nanos(long fresh, long later) {
    double rows = freshRows + laterRows;
    if (rows == 0) {
      return 0;
    }
    // A row comes back once at most, bar a change of the pool.
    double laterPerFresh = freshRows > 0 ? Math.min(1, laterRows / freshRows) : 1;
    return (long) ((fresh * (1 + laterPerFresh) + later) * (nanos / rows));
  }
}
