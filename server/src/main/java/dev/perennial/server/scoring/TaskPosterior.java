package dev.perennial.server.scoring;

import dev.perennial.server.gaussian.LogSpace;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which tasks an image may belong to: pi_t proportional to density_t^{@value #EXPONENT}, of the few
 * tasks that are worth a pass of their branch. Immutable.
 *
 * <p>The exponent says that a density in E dimensions is surer of itself than it is right. Chosen
 * on training images of mini-MTIL cut in half, seed 11: 0.1 to 0.3 are equal within a point, 1
 * costs half a point.
 *
 * @param tasks places in what was asked about, most probable first
 * @param probabilities of those, summing to 1
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record TaskPosterior(int[] tasks, double[] probabilities) {
  static final double EXPONENT = 0.3;

  /** Branches of one image. A third changed no answer, chosen as above. */
  static final int MAX_TASKS = 2;

  /**
   * The second task's branch is worth its pass from this share on: 0.8 passes an image instead of
   * 1.3 where domains are shared, none more where they are not; the answers as with all tasks.
   */
  static final double MIN_PROBABILITY = 0.1;

  /**
   * From log-densities of finite value, at least one; the earlier task where two are equal.
   *
   * @param logDensities per task that of the mixture of its classes
   */
  public static TaskPosterior of(double[] logDensities) {
    double[] log =
        LogSpace.logSoftmax(Arrays.stream(logDensities).map(v -> EXPONENT * v).toArray());
    List<Integer> order =
        IntStream.range(0, log.length)
            .boxed()
            .sorted(Comparator.comparingDouble(task -> -log[task]))
            .toList();
    int count = 1;
    while (count < Math.min(MAX_TASKS, log.length)
        && Math.exp(log[order.get(count)]) >= MIN_PROBABILITY) {
      count++;
    }
    int[] tasks = order.subList(0, count).stream().mapToInt(task -> task).toArray();
    double[] kept = Arrays.stream(tasks).mapToDouble(task -> log[task]).toArray();
    return new TaskPosterior(
        tasks, Arrays.stream(LogSpace.logSoftmax(kept)).map(Math::exp).toArray());
  }
}
