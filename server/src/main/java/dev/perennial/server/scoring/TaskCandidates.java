package dev.perennial.server.scoring;

import java.util.Arrays;

/**
 * The few tasks whose classes are worth a look, found by their Gaussians: at most {@value #MOST},
 * and none more than {@value #MARGIN} nats below the best; the posterior of the ones left out would
 * be below 1e-8. The outcome does not depend on the order in which tasks are offered. Used by one
 * thread.
 *
 * <p>With all tasks the answers are the same, on training images of mini-MTIL, seeds 11 and 12; a
 * margin of 20 changed no answer there, 10 did.
 */
public final class TaskCandidates {
  /** At most so many. */
  public static final int MOST = 4;

  /** In nats. */
  public static final double MARGIN = 64;

  private static final int NOBODY = -1;

  private final int[] tasks = new int[MOST];
  private final double[] logGaussians = new double[MOST];

  /** Without any. */
  public TaskCandidates() {
    Arrays.fill(tasks, NOBODY);
    Arrays.fill(logGaussians, Double.NEGATIVE_INFINITY);
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
