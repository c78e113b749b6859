package dev.perennial.server.device;

import dev.perennial.server.gaussian.TaskGaussian;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.scoring.TaskCandidates;
import dev.perennial.server.task.ActiveTask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The tasks that an image may belong to ({@link TaskCandidates}), for several images at once.
 *
 * <p>The likeliest tasks by spherical Gaussians, O(T d), are asked for their full ones, O(d^2)
 * each: the likeliest first, then each other one until it cannot be among the candidates, which
 * changes nothing. Images share the reading of a task's factor, 1 MB at d = 512, in fours. No
 * image's candidates depend on the others.
 *
 * @param features (d) of the image, finite
 * @param near slots of the tasks that are asked
 * @param first the likeliest one's slot; -1 where no task has a say
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record TaskSearch(float[] features, BitSet near, int first, TaskCandidates candidates) {
  /**
   * One for each image, in their order.
   *
   * @param owners which tasks have a say
   */
  static List<TaskSearch> of(List<ActiveTask> tasks, LabelOwners owners, List<float[]> features) {
    return of(tasks, owners, features, TaskCandidates.LIKELIEST);
  }

  /** With another bound; for tests. */
  static List<TaskSearch> of(
      List<ActiveTask> tasks, LabelOwners owners, List<float[]> features, int most) {
    int[] considered = IntStream.range(0, tasks.size()).filter(owners::considers).toArray();
    List<TaskSearch> images = new ArrayList<>();
    for (float[] image : features) {
      images.add(begin(tasks, considered, image, most));
    }
    for (int slot : considered) {
      List<TaskSearch> open = new ArrayList<>();
      for (TaskSearch image : images) {
        if (image.near.get(slot) && image.first != slot) {
          open.add(image);
        }
      }
      ask(slot, tasks.get(slot).domain(), open);
    }
    return images;
  }

  private static TaskSearch begin(
      List<ActiveTask> tasks, int[] considered, float[] features, int most) {
    double[] spherical = new double[considered.length];
    Arrays.setAll(
        spherical, i -> tasks.get(considered[i]).domain().sphericalLogDensity(features, 0));
    int[] likeliest = TaskCandidates.likeliest(considered, spherical, most);
    BitSet near = new BitSet();
    Arrays.stream(likeliest).forEach(near::set);
    int first = likeliest.length == 0 ? -1 : likeliest[0];
    TaskSearch search = new TaskSearch(features, near, first, new TaskCandidates());
    if (first >= 0) {
      ask(first, tasks.get(first).domain(), List.of(search));
    }
    return search;
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
