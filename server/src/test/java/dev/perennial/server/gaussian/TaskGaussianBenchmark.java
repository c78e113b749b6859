package dev.perennial.server.gaussian;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Log-densities at ViT-B/16's size (d = 512): what 100 tasks cost one image. From the repository's
 * root:
 *
 * <pre>{@code
 * mvn -q test-compile
 * mvn -q -pl server dependency:build-classpath -Dmdep.outputFile=target/test-classpath
 * java -cp server/target/test-classes:server/target/classes:$(cat server/target/test-classpath) \
 *     org.openjdk.jmh.Main TaskGaussianBenchmark
 * }</pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class TaskGaussianBenchmark {
  private static final int DIMENSION = 512;
  private static final int TASKS = 100;
  private static final int ROWS = 32;

  private final TaskGaussian[] tasks = new TaskGaussian[TASKS];
  private final double[] scratch = new double[DIMENSION];
  private float[] features = new float[0];
  private Rows rows = Rows.random(1, 1, 2, 1);

  /** Every task has its own centres; the rows asked about are new ones of the first task. */
  @Setup
  public void fit() {
    for (int t = 0; t < TASKS; t++) {
      Rows own = Rows.random(t, 1600 + ROWS, DIMENSION, 100);
      tasks[t] = new TaskGaussian(own.statistics(), new GateConstants(GateKind.ROBUST, 0, 1));
      if (t == 0) {
        features = own.features;
        rows = own;
      }
    }
  }

  /** One image, every task to the end. */
  @Benchmark
  public double everyTask() {
    double sum = 0;
    for (TaskGaussian task : tasks) {
      sum += task.logDensity(features, 0, scratch, Double.NEGATIVE_INFINITY);
    }
    return sum;
  }

  /** One image, a task left as soon as it is worse than the best: what routing does. */
  @Benchmark
  public double bestTask() {
    double best = Double.NEGATIVE_INFINITY;
    for (TaskGaussian task : tasks) {
      best = Math.max(best, task.logDensity(features, 0, scratch, best));
    }
    return best;
  }

  /** {@value #ROWS} images, one task. */
  @Benchmark
  public double[] manyRows() {
    return tasks[0].logDensities(features, 0, ROWS);
  }

  /** 1,632 examples of 100 classes become statistics. */
  @Benchmark
  public FeatureStatistics statistics() {
    return rows.statistics();
  }
}
