package dev.perennial.server.device;

import static dev.perennial.server.scoring.TaskPosterior.CANDIDATE_MARGIN;
import static dev.perennial.server.scoring.TaskPosterior.MAX_CANDIDATES;

import dev.perennial.server.gaussian.DiscriminantHead;
import dev.perennial.server.scoring.DomainGate;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.scoring.TaskPosterior;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.PoolSnapshot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where an image goes under union scoring: which tasks it may belong to, and how far to any. Only
 * the tasks that {@link LabelOwners#considers} have a say.
 *
 * <p>The tasks' Gaussians find the few whose classes are then looked at: at most {@value
 * #MAX_CANDIDATES}, and none more than {@value #CANDIDATE_MARGIN} below the best; a posterior of
 * the ones left out would be below 1e-8. A task that cannot be among them is left early. Immutable.
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

  /** A task and its log-density. */
  private record Candidate(int slot, double logGaussian) {}

  /** Null where no task has a say. */
  static @Nullable UnionRoute of(PoolSnapshot snapshot, LabelOwners owners, float[] features) {
    List<Candidate> candidates = candidates(snapshot, owners, features);
    if (candidates.isEmpty()) {
      return null;
    }
    List<ActiveTask> tasks = snapshot.tasks();
    List<DiscriminantHead.Opinion> opinions =
        candidates.stream()
            .map(candidate -> tasks.get(candidate.slot()).head().opinion(features, 0))
            .toList();
    TaskPosterior posterior =
        TaskPosterior.of(
            opinions.stream().mapToDouble(DiscriminantHead.Opinion::logDensity).toArray());
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < posterior.tasks().length; i++) {
      Candidate candidate = candidates.get(posterior.tasks()[i]);
      members.add(
          new Member(
              candidate.slot(),
              posterior.probabilities()[i],
              candidate.logGaussian(),
              opinions.get(posterior.tasks()[i])));
    }
    Member first = members.get(0);
    return new UnionRoute(
        List.copyOf(members), tasks.get(first.slot()).domain().z(first.logGaussian()));
  }

  /** Highest first, the lower slot where two are equal. */
  private static List<Candidate> candidates(
      PoolSnapshot snapshot, LabelOwners owners, float[] features) {
    Candidate[] best = new Candidate[MAX_CANDIDATES];
    Arrays.fill(best, new Candidate(-1, Double.NEGATIVE_INFINITY));
    double[] scratch = new double[features.length];
    for (int slot = 0; slot < snapshot.tasks().size(); slot++) {
      if (owners.considers(slot)) {
        double least =
            Math.max(
                best[MAX_CANDIDATES - 1].logGaussian(), best[0].logGaussian() - CANDIDATE_MARGIN);
        double density =
            snapshot.tasks().get(slot).domain().logDensity(features, 0, scratch, least);
        insert(best, new Candidate(slot, density));
      }
    }
    double least = best[0].logGaussian() - CANDIDATE_MARGIN;
    return Arrays.stream(best)
        .filter(candidate -> candidate.slot() >= 0 && candidate.logGaussian() >= least)
        .toList();
  }

  private static void insert(Candidate[] best, Candidate candidate) {
    for (int i = 0; i < best.length; i++) {
      if (candidate.logGaussian() > best[i].logGaussian()) {
        Candidate next = best[i];
        best[i] = candidate;
        candidate = next;
      }
    }
  }

  double gate(boolean allLearnt) {
    return DomainGate.gate(z, allLearnt);
  }

  double none() {
    return DomainGate.none(z);
  }
}
