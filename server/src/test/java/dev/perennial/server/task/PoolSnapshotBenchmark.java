package dev.perennial.server.task;

import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.TaskGaussian;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What routing costs an image at ViT-B/16's size (d = 512), against asking the tasks in their
 * order. From the repository's root:
 *
 * <pre>{@code
 * mvn -q test-compile
 * mvn -q -pl server dependency:build-classpath -Dmdep.outputFile=target/test-classpath
 * java -cp server/target/test-classes:server/target/classes:$(cat server/target/test-classpath) \
 *     org.openjdk.jmh.Main PoolSnapshotBenchmark
 * }</pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgs = "-Xmx3g")
public class PoolSnapshotBenchmark {
  private static final int DIMENSION = 512;
  private static final int ROWS = 100;
  private static final int IMAGES = 64;

  @Param({"100", "1000"})
  public int tasks;

  private PoolSnapshot snapshot = new PoolSnapshot(0, List.of());
  private final float[] images = new float[IMAGES * DIMENSION];
  private int next;

  /** Tasks around centres of their own, which share a direction; new images of random ones. */
  @Setup
  public void fit() {
    TaskVersion version = TaskVersions.random("task", 1);
    ActiveTask small = ActiveTask.of("id", version); // its head is not asked
    GateConstants gate = new GateConstants(GateKind.ROBUST, 0, 1);
    List<ActiveTask> active = new ArrayList<>();
    for (int t = 0; t < tasks; t++) {
      FeatureStatistics statistics =
          FeatureStatistics.of(rows(t, t, ROWS), DIMENSION, new int[ROWS], 1);
      TaskGaussian gaussian = new TaskGaussian(statistics, gate);
      active.add(
          new ActiveTask(
              "task-%04d".formatted(t),
              "id",
              version,
              Set.of(),
              statistics,
              gaussian,
              gaussian,
              small.head()));
    }
    snapshot = new PoolSnapshot(1, active);
    Random random = new Random(7);
    for (int i = 0; i < IMAGES; i++) {
      float[] image = rows(random.nextInt(tasks), -1 - i, 1);
      System.arraycopy(image, 0, images, i * DIMENSION, DIMENSION);
    }
  }

  private static float[] rows(int task, long seed, int count) {
    Random centre = new Random(task);
    float[] own = new float[DIMENSION];
    for (int i = 0; i < DIMENSION; i++) {
      own[i] = 1 + 0.5f * (float) centre.nextGaussian();
    }
    Random noise = new Random(seed);
    float[] rows = new float[count * DIMENSION];
    for (int row = 0; row < count; row++) {
      double squares = 0;
      for (int i = 0; i < DIMENSION; i++) {
        float value = own[i] + 0.5f * (float) noise.nextGaussian();
        rows[row * DIMENSION + i] = value;
        squares += (double) value * value;
      }
      for (int i = 0; i < DIMENSION; i++) {
        rows[row * DIMENSION + i] /= (float) Math.sqrt(squares);
      }
    }
    return rows;
  }

  private int offset() {
    next = (next + 1) % IMAGES;
    return next * DIMENSION;
  }

  @Benchmark
  public @Nullable Route route() {
    return snapshot.route(images, offset());
  }

  /** The tasks in their order, each left as soon as it is worse than the best so far. */
  @Benchmark
  public double inOrder() {
    int offset = offset();
    double[] scratch = new double[DIMENSION];
    double best = Double.NEGATIVE_INFINITY;
    for (ActiveTask task : snapshot.tasks()) {
      best = Math.max(best, task.gaussian().logDensity(images, offset, scratch, best));
    }
    return best;
  }

  /** Every task to its end. */
  @Benchmark
  public double everyTask() {
    int offset = offset();
    double best = Double.NEGATIVE_INFINITY;
    for (ActiveTask task : snapshot.tasks()) {
      best = Math.max(best, task.gaussian().logDensity(images, offset));
    }
    return best;
  }
}
