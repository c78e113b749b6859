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
      zeroShot[task.place()] = accuracy(task, method.answer(task, bench.labels(task)));
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
      Answers answers = method.answer(task, bench.labels(task));
      percent[stage][place] = accuracy(task, answers);
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

  private double accuracy(EvalTask task, Answers answers) {
    int[] right = bench.labels(task).right();
    int pictures = task.test().size();
    if (answers.labels().length != pictures) {
      throw new IllegalStateException(
          "answers: %d (expected: %d)".formatted(answers.labels().length, pictures));
    }
    int correct = 0;
    for (int i = 0; i < pictures; i++) {
      correct += answers.labels()[i] == right[task.test().classOf(i)] ? 1 : 0;
    }
    return 100.0 * correct / pictures;
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
