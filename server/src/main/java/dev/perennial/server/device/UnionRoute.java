package dev.perennial.server.device;

import dev.perennial.server.gaussian.DiscriminantHead;
import dev.perennial.server.scoring.DomainGate;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.scoring.TaskCandidates;
import dev.perennial.server.scoring.TaskPosterior;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.PoolSnapshot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
    return of(snapshot.tasks(), TaskSearch.of(snapshot.tasks(), owners, List.of(features)).get(0));
  }

  /** The same from the candidates among the snapshot's tasks. */
  static @Nullable UnionRoute of(List<ActiveTask> tasks, TaskSearch search) {
    TaskCandidates candidates = search.candidates();
    if (candidates.size() == 0) {
      return null;
    }
    DiscriminantHead.Opinion[] opinions = new DiscriminantHead.Opinion[candidates.size()];
    Arrays.setAll(
        opinions, i -> tasks.get(candidates.task(i)).head().opinion(search.features(), 0));
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

  double gate(boolean allLearnt) {
    return DomainGate.gate(z, allLearnt);
  }

  double none() {
    return DomainGate.none(z);
  }
}
