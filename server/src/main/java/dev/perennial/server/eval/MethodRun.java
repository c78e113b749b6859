package dev.perennial.server.eval;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one method did with one seed. Immutable; the arrays belong to it.
 *
 * @param zeroShot (T) accuracies in percent before anything was learnt
 * @param routing null where the method chooses no task
 * @param gate null where the method has no gate weight
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record MethodRun(
    long seed,
    double[] zeroShot,
    AccuracyMatrix matrix,
    @Nullable Routing routing,
    @Nullable Gate gate,
    Reliability reliability,
    List<TaskCost> tasks) {
  /** Bins of {@link Gate}'s histograms over [0, 1]; the last holds 1 too. */
  public static final int BINS = 20;

  public MethodRun {
    tasks = List.copyOf(tasks);
  }

  /**
   * How images were given to tasks.
   *
   * @param accuracy (T, T) row = after task j, column = task i: share in percent of i's images that
   *     were given to i; null where i was not learnt yet
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record Routing(@Nullable Double[][] accuracy) {}

  /**
   * How strongly branches counted.
   *
   * @param mean (T, T) mean of w
   * @param inDomain images of tasks learnt before, by w, over all cells
   * @param outOfDomain images of tasks not learnt yet, by w, over all cells
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record Gate(double[][] mean, long[] inDomain, long[] outOfDomain) {}

  /** What learning one task took. */
  public record TaskCost(String name, long parameters, double seconds, double imagesPerSecond) {}
}
