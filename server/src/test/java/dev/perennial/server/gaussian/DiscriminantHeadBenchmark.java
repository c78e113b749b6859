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
 * What union scoring adds to one image at ViT-B/16's size (d = 512, 100 classes a task): the heads
 * of its candidates, at most four; and, for comparison, the Gaussians of 100 tasks. The command is
 * that of {@link TaskGaussianBenchmark}, with this class's name.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class DiscriminantHeadBenchmark {
  private static final int DIMENSION = 512;
  private static final int TASKS = 100;
  private static final int CANDIDATES = 4;
  private static final double MARGIN = 64;

  private final TaskGaussian[] gaussians = new TaskGaussian[TASKS];
  private final DiscriminantHead[] heads = new DiscriminantHead[CANDIDATES];
  private final double[] scratch = new double[DIMENSION];
  private float[] features = new float[0];

  /** Every task has its own centres; the image is one of the first task. */
  @Setup
  public void fit() {
    for (int t = 0; t < TASKS; t++) {
      Rows own = Rows.random(t, 1600, DIMENSION, 100);
      FeatureStatistics statistics = own.statistics();
      gaussians[t] = new TaskGaussian(statistics, new GateConstants(GateKind.ROBUST, 0, 1));
      if (t < CANDIDATES) {
        heads[t] = new DiscriminantHead(statistics, new HeadConstants(0.5, 0, 1));
      }
      if (t == 0) {
        features = own.features;
      }
    }
  }

  /** The heads of four candidates: what few images need. */
  @Benchmark
  public double fourHeads() {
    double sum = 0;
    for (DiscriminantHead head : heads) {
      sum += head.opinion(features, 0).logDensity();
    }
    return sum;
  }

  /** The head of one: what most images need. */
  @Benchmark
  public DiscriminantHead.Opinion oneHead() {
    return heads[0].opinion(features, 0);
  }

  /** 100 Gaussians, each left once it is far below the best. */
  @Benchmark
  public double gaussians() {
    double best = Double.NEGATIVE_INFINITY;
    for (TaskGaussian task : gaussians) {
      best = Math.max(best, task.logDensity(features, 0, scratch, best - MARGIN));
    }
    return best;
  }
}
