package dev.perennial.server.device;

import dev.perennial.server.gaussian.DiscriminantHead;
import dev.perennial.server.gaussian.TaskGaussian;
import dev.perennial.server.scoring.DomainGate;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.scoring.TaskCandidates;
import dev.perennial.server.scoring.TaskPosterior;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.PoolSnapshot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Where an image goes under union scoring: which tasks it may belong to, and how far to any. Only
 * the tasks that {@link LabelOwners#considers} have a say; {@link TaskCandidates} are those whose
 * classes are looked at. Immutable.
 *
 * @param members those whose branch answers, most probable first; never empty
 * @param z of the most probable one's Gaussian
 */
record UnionRoute(List<Member> members, double z) {
  /**
   * A task that the image may belong to.
   *
   * @param posterior pi_t
   * @param logGaussian of the frozen features under its robust Gaussian
   * @param opinion of its discriminant head
   */
  record Member(int slot, double posterior, double logGaussian, DiscriminantHead.Opinion opinion) {}

  /** Null where no task has a say. */
  static @Nullable UnionRoute of(PoolSnapshot snapshot, LabelOwners owners, float[] features) {
    TaskCandidates candidates = candidates(snapshot.tasks(), owners, features);
    if (candidates.size() == 0) {
      return null;
    }
    List<ActiveTask> tasks = snapshot.tasks();
    DiscriminantHead.Opinion[] opinions = new DiscriminantHead.Opinion[candidates.size()];
    Arrays.setAll(opinions, i -> tasks.get(candidates.task(i)).head().opinion(features, 0));
    TaskPosterior posterior =
        TaskPosterior.of(
            Arrays.stream(opinions).mapToDouble(DiscriminantHead.Opinion::logDensity).toArray());
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < posterior.tasks().length; i++) {
      int place = posterior.tasks()[i];
      members.add(
          new Member(
              candidates.task(place),
              posterior.probabilities()[i],
              candidates.logGaussian(place),
              opinions[place]));
    }
    Member first = members.get(0);
    return new UnionRoute(
        List.copyOf(members), tasks.get(first.slot()).domain().z(first.logGaussian()));
  }

  /**
   * O(T d^2) at worst: the tasks with the nearest means are asked first, and each other one is left
   * as soon as it cannot be among them, which changes nothing.
   */
  private static TaskCandidates candidates(
      List<ActiveTask> tasks, LabelOwners owners, float[] features) {
    int[] slots = IntStream.range(0, tasks.size()).filter(owners::considers).toArray();
    double[] distances = new double[slots.length];
    Arrays.setAll(distances, i -> tasks.get(slots[i]).domain().squaredDistance(features, 0));
    double[] scratch = new double[features.length];
    TaskCandidates candidates = new TaskCandidates();
    for (int i = 0; i < slots.length; i++) {
      if (i < TaskCandidates.MOST) {
        moveNearest(slots, distances, i);
      }
      TaskGaussian domain = tasks.get(slots[i]).domain();
      candidates.offer(slots[i], domain.logDensity(features, 0, scratch, candidates.bound()));
    }
    return candidates;
  }

  /** Swaps the nearest of those from the place on to it. */
  private static void moveNearest(int[] slots, double[] distances, int place) {
    int nearest = place;
    for (int i = place + 1; i < slots.length; i++) {
      nearest = distances[i] < distances[nearest] ? i : nearest;
    }
    int slot = slots[place];
    slots[place] = slots[nearest];
    slots[nearest] = slot;
    distances[nearest] = distances[place];
  }

  double gate(boolean allLearnt) {
    return DomainGate.gate(z, allLearnt);
  }

  double none() {
    return DomainGate.none(z);
  }
}
