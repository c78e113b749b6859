package dev.perennial.server.device;

import dev.perennial.server.gaussian.TaskGaussian;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.scoring.TaskCandidates;
import dev.perennial.server.task.ActiveTask;
import java.util.ArrayList;
import java.util.List;

/**
 * The tasks that an image may belong to ({@link TaskCandidates}), for several images at once.
 *
 * <p>O(T d^2) an image at worst. The task of the nearest mean is asked first; after that each other
 * one is left as soon as it cannot be among the candidates, which changes nothing. Images share the
 * reading of a task's factor, 1 MB at d = 512, in fours.
 *
 * @param features (d) of the image, finite
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record TaskSearch(float[] features, TaskCandidates candidates) {
  /**
   * One for each image, in their order.
   *
   * @param owners which tasks have a say
   */
  static List<TaskSearch> of(List<ActiveTask> tasks, LabelOwners owners, List<float[]> features) {
    List<TaskSearch> images = new ArrayList<>();
    int[] first = new int[features.size()];
    for (float[] image : features) {
      TaskSearch search = new TaskSearch(image, new TaskCandidates());
      first[images.size()] = search.nearest(tasks, owners);
      images.add(search);
    }
    for (int slot = 0; slot < tasks.size(); slot++) {
      if (owners.considers(slot)) {
        List<TaskSearch> open = new ArrayList<>();
        for (int i = 0; i < first.length; i++) {
          if (first[i] != slot) {
            open.add(images.get(i));
          }
        }
        ask(slot, tasks.get(slot).domain(), open);
      }
    }
    return images;
  }

  /** Asks the task of the nearest mean; returns its slot, -1 where no task has a say. */
  private int nearest(List<ActiveTask> tasks, LabelOwners owners) {
    int nearest = -1;
    double least = Double.POSITIVE_INFINITY;
    for (int slot = 0; slot < tasks.size(); slot++) {
      if (owners.considers(slot)) {
        double distance = tasks.get(slot).domain().squaredDistance(features, 0);
        if (distance < least) {
          nearest = slot;
          least = distance;
        }
      }
    }
    if (nearest >= 0) {
      ask(nearest, tasks.get(nearest).domain(), List.of(this));
    }
    return nearest;
  }

  private static void ask(int slot, TaskGaussian domain, List<TaskSearch> images) {
    double[] bounds = images.stream().mapToDouble(i -> i.candidates().bound()).toArray();
    double[] logDensities =
        domain.logDensities(images.stream().map(TaskSearch::features).toList(), bounds);
    for (int i = 0; i < logDensities.length; i++) {
      images.get(i).candidates().offer(slot, logDensities[i]);
    }
  }
}
