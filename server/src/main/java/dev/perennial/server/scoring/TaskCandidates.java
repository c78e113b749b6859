package dev.perennial.server.scoring;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The few tasks whose classes are worth a look, found by their Gaussians: at most {@value #MOST},
 * and none more than {@value #MARGIN} nats below the best; the posterior of the ones left out would
 * be below 1e-8. Of many tasks only the {@link #likeliest} are offered. The outcome does not depend
 * on the order in which tasks are offered. Used by one thread.
 *
 * <p>With all tasks the answers are the same, on training images of mini-MTIL, seeds 11 and 12; a
 * margin of 20 changed no answer there, 10 did.
 */
public final class TaskCandidates {
  /** At most so many. */
  public static final int MOST = 4;

  /** In nats. */
  public static final double MARGIN = 64;

  /**
   * Of more tasks than that, the likeliest by spherical Gaussians have a say: full ones cost O(d^2)
   * each. Where every class of mini-MTIL is a task of its own, 75 in seven domains, the candidates
   * of 300 training images of another seed are those among all tasks already with 24.
   */
  public static final int LIKELIEST = 32;

  private static final int NOBODY = -1;

  private final int[] tasks = new int[MOST];
  private final double[] logGaussians = new double[MOST];

  /** Without any. */
  public TaskCandidates() {
    Arrays.fill(tasks, NOBODY);
    Arrays.fill(logGaussians, Double.NEGATIVE_INFINITY);
  }

  /**
   * The tasks that are worth their full Gaussian, the likeliest first, the earlier of equals.
   *
   * @param tasks those that have a say
   * @param spherical per one of them the log-density of the image under its spherical Gaussian
   * @param most {@link #LIKELIEST}, but for tests
   */
  public static int[] likeliest(int[] tasks, double[] spherical, int most) {
    return IntStream.range(0, tasks.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -spherical[i]))
        .limit(most)
        .mapToInt(i -> tasks[i])
        .toArray();
  }

  /** A task whose log-density is below this will not be among them, whatever else is offered. */
  public double bound() {
    return Math.max(logGaussians[MOST - 1], logGaussians[0] - MARGIN);
  }

  /**
   * One more task.
   *
   * @param logGaussian its log-density, or any value below {@link #bound}
   */
  public void offer(int task, double logGaussian) {
    for (int i = 0; i < MOST; i++) {
      boolean before =
          tasks[i] == NOBODY
              || logGaussian > logGaussians[i]
              || (logGaussian == logGaussians[i] && task < tasks[i]);
      if (before) {
        int nextTask = tasks[i];
        double next = logGaussians[i];
        tasks[i] = task;
        logGaussians[i] = logGaussian;
        task = nextTask;
        logGaussian = next;
        if (task == NOBODY) {
          return;
        }
      }
    }
  }

  /** How many there are. */
  public int size() {
    int size = 0;
    while (size < MOST && tasks[size] != NOBODY && logGaussians[size] >= logGaussians[0] - MARGIN) {
      size++;
    }
    return size;
  }

  /** The task at a place; that of the highest log-density first, the lower one of equals. */
  public int task(int place) {
    return tasks[place];
  }

  /** Its log-density. */
  public double logGaussian(int place) {
    return logGaussians[place];
  }
}
