package dev.perennial.server.eval;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The domain-class-incremental protocol (MTIL; Zheng et al., ZSCL, ICCV 2023, arXiv 2303.06628):
 * all tasks are tested once before anything is learnt; then they are learnt in order, and after
 * each all are tested. Used by one thread.
 */
public final class Protocol {
  /** Hears how far a run is. */
  public interface Progress {
    /** A task is being learnt. */
    void learning(EvalTask task, double share, String figures);

    /**
     * All test sets were answered.
     *
     * @param learnt tasks learnt so far
     * @param accuracies per task in percent
     */
    void tested(int learnt, double[] accuracies);
  }

  private final Bench bench;
  private final Progress progress;
  private final int count;
  private final double[][] percent;
  private final @Nullable Double[][] routed;
  private final double[][] meanWeight;
  private final long[] inDomain = new long[MethodRun.BINS];
  private final long[] outOfDomain = new long[MethodRun.BINS];
  private final Reliability.Collector reliability = new Reliability.Collector();
  private boolean hasTasks;
  private boolean hasWeights;

  private Protocol(Bench bench, Progress progress) {
    this.bench = bench;
    this.progress = progress;
    this.count = bench.tasks().size();
    this.percent = new double[count][count];
    this.routed = new Double[count][count];
    this.meanWeight = new double[count][count];
  }

  /** Runs a method that has learnt nothing yet. Blocks; for hours where the suite is large. */
  public static MethodRun run(Method method, Bench bench, Progress progress) {
    return new Protocol(bench, progress).run(method);
  }

  private MethodRun run(Method method) {
    double[] zeroShot = new double[count];
    for (EvalTask task : bench.tasks()) {
      if (bench.asks(0)) {
        LabelSpace labels = bench.labels(task, 0);
        zeroShot[task.place()] = share(right(task, labels, method.answer(task, labels)));
      }
    }
    progress.tested(0, zeroShot);
    List<MethodRun.TaskCost> costs = new ArrayList<>();
    for (EvalTask task : bench.tasks()) {
      Method.Learned learned =
          method.learn(task, (share, figures) -> progress.learning(task, share, figures));
      costs.add(cost(task, learned));
      test(method, task.place());
    }
    return new MethodRun(
        bench.seed(),
        zeroShot,
        new AccuracyMatrix(percent),
        hasTasks ? new MethodRun.Routing(routed) : null,
        hasWeights ? new MethodRun.Gate(meanWeight, inDomain, outOfDomain) : null,
        reliability.done(),
        costs);
  }

  private static MethodRun.TaskCost cost(EvalTask task, Method.Learned learned) {
    double seconds = learned.time().toNanos() / 1e9;
    return new MethodRun.TaskCost(
        task.name(), learned.parameters(), seconds, seconds > 0 ? learned.images() / seconds : 0);
  }

  private void test(Method method, int stage) {
    for (EvalTask task : bench.tasks()) {
      int place = task.place();
      LabelSpace labels = bench.labels(task, stage + 1);
      Answers answers = method.answer(task, labels);
      boolean[] right = right(task, labels, answers);
      percent[stage][place] = share(right);
      for (int i = 0; i < right.length; i++) {
        reliability.add(answers.confidences()[i], right[i], place <= stage);
      }
      int[] tasks = answers.tasks();
      if (tasks != null) {
        hasTasks = true;
        routed[stage][place] = place <= stage ? share(tasks, place) : null;
      }
      float[] weights = answers.gateWeights();
      if (weights != null) {
        hasWeights = true;
        meanWeight[stage][place] = count(weights, place <= stage ? inDomain : outOfDomain);
      }
    }
    progress.tested(stage + 1, percent[stage]);
  }

  /** Per picture whether its answer is right. */
  private static boolean[] right(EvalTask task, LabelSpace labels, Answers answers) {
    boolean[] right = new boolean[task.test().size()];
    if (answers.labels().length != right.length) {
      throw new IllegalStateException(
          "answers: %d (expected: %d)".formatted(answers.labels().length, right.length));
    }
    for (int i = 0; i < right.length; i++) {
      right[i] = answers.labels()[i] == labels.right()[task.test().classOf(i)];
    }
    return right;
  }

  /** Percent of them that are true. */
  private static double share(boolean[] values) {
    int count = 0;
    for (boolean value : values) {
      count += value ? 1 : 0;
    }
    return 100.0 * count / values.length;
  }

  private static double share(int[] tasks, int place) {
    int own = 0;
    for (int task : tasks) {
      own += task == place ? 1 : 0;
    }
    return 100.0 * own / tasks.length;
  }

  /** Counts the weights into the histogram; returns their mean. */
  private static double count(float[] weights, long[] histogram) {
    double sum = 0;
    for (float weight : weights) {
      sum += weight;
      histogram[Math.min(MethodRun.BINS - 1, (int) (weight * MethodRun.BINS))]++;
    }
    return sum / weights.length;
  }
}
