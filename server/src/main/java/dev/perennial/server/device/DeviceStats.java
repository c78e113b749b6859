package dev.perennial.server.device;

/**
 * What one device has done since it started. Immutable; counters only grow.
 *
 * @param healthy whether it takes requests
 * @param epoch the pool's epoch that it serves
 * @param inFlight requests queued or running
 * @param firstPassRows image rows run with the frozen network
 * @param secondPassRows image rows run with a task's residual branch
 * @param skippedSecondPasses images whose gate weight was too small for a second pass
 * @param embedRows rows of embed queries, images and texts
 * @param batches times that rows were run together
 * @param queueWaitNanos time that fresh rows waited for their first batch, in total
 * @param textRows texts of labels run through the text tower
 * @param textCacheHits images whose label features were ready
 * @param textCacheMisses images that had to wait for label features
 * @param rerouted images routed again because the pool changed while they were under way
 * @param expired requests whose deadline passed in the queue
 * @param refused requests sent away at once
 * @param failed requests that failed inside
 * @param steps training steps
 * @param servingNanos time spent in batches and label texts
 * @param stepNanos time spent in training steps
 */
public record DeviceStats(
    String device,
    boolean healthy,
    long epoch,
    int inFlight,
    long firstPassRows,
    long secondPassRows,
    long skippedSecondPasses,
    long embedRows,
    long batches,
    long queueWaitNanos,
    long textRows,
    long textCacheHits,
    long textCacheMisses,
    long rerouted,
    long expired,
    long refused,
    long failed,
    long steps,
    long servingNanos,
    long stepNanos) {

  /** Mean rows of a batch; 0 before the first. */
  public double meanBatchSize() {
    return batches == 0 ? 0 : (double) (firstPassRows + secondPassRows + embedRows) / batches;
  }
}
