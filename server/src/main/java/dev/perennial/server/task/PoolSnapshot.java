package dev.perennial.server.task;

import dev.perennial.server.gaussian.TaskGaussian;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All active tasks under one epoch. Immutable; safe for any thread.
 *
 * @param tasks by name, in its order, whatever the order given; a task's place is its slot
 */
public record PoolSnapshot(long epoch, List<ActiveTask> tasks) {
  public PoolSnapshot {
    tasks = tasks.stream().sorted(Comparator.comparing(ActiveTask::name)).toList();
    for (int i = 1; i < tasks.size(); i++) {
      if (tasks.get(i).name().equals(tasks.get(i - 1).name())) {
        throw new IllegalArgumentException(
            "task " + tasks.get(i).name() + ": twice (expected: only once)");
      }
    }
  }

  /**
   * The task with the highest log-density for the features at the offset, the lower slot where two
   * are equal; null while there is no task. O(T d^2) at worst: the task with the nearest mean is
   * asked first, and each other one is left as soon as it is worse than the best, which changes no
   * answer.
   *
   * @param features finite
   */
  public @Nullable Route route(float[] features, int offset) {
    if (tasks.isEmpty()) {
      return null;
    }
    double[] scratch = new double[tasks.get(0).gaussian().dimension()];
    int slot = nearest(features, offset);
    double best = tasks.get(slot).gaussian().logDensity(features, offset);
    for (int i = 0; i < tasks.size(); i++) {
      if (i == slot) {
        continue;
      }
      double logDensity = tasks.get(i).gaussian().logDensity(features, offset, scratch, best);
      if (logDensity > best || (logDensity == best && i < slot)) {
        slot = i;
        best = logDensity;
      }
    }
    if (!(best > Double.NEGATIVE_INFINITY)) {
      throw new IllegalArgumentException("image features: not finite (expected: finite)");
    }
    TaskGaussian gaussian = tasks.get(slot).gaussian();
    return new Route(slot, best, gaussian.z(best), gaussian.gateWeight(best));
  }

  /** The task whose mean is nearest: O(T d), and mostly the answer already. */
  private int nearest(float[] features, int offset) {
    int nearest = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int i = 0; i < tasks.size(); i++) {
      double distance = tasks.get(i).gaussian().squaredDistance(features, offset);
      if (distance < least) {
        nearest = i;
        least = distance;
      }
    }
    return nearest;
  }

  /** The slot of the task with that name, or -1. */
  public int slot(String task) {
    int low = 0;
    int high = tasks.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = tasks.get(middle).name().compareTo(task);
      if (order == 0) {
        return middle;
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1;
  }
}
