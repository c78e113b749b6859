package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.View;
import dev.perennial.server.training.LocalJobs.Held;
import dev.perennial.server.training.TrainingJob;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who works on what and whose request a job is, as the oldest member knows and decides it. Not safe
 * for threads: {@link JobRegistry} guards it.
 *
 * <p>A grant has a token that is higher than any before. The owner is a member's id, which a
 * process has once: so a member that was given up and comes back owns nothing, whatever its token
 * says.
 */
final class Ownership {
  private static final Logger LOG = LoggerFactory.getLogger(Ownership.class);

  /** Owners and requests that are remembered; members remember their own. */
  private static final int MAX_REMEMBERED = 100_000;

  /** A member, and the token that it was granted. */
  record Owner(String member, long token) {
    static Owner newer(Owner one, Owner other) {
      return one.token() >= other.token() ? one : other;
    }
  }

  private final Map<String, Owner> owners = bounded();
  private final Map<String, String> jobOfRequest = bounded();
  private long takeovers;

  private static <V> Map<String, V> bounded() {
    return new LinkedHashMap<>() {
      @Override
      protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
        return size() > MAX_REMEMBERED;
      }
    };
  }

  long takeovers() {
    return takeovers;
  }

  Optional<Owner> owner(String id) {
    return Optional.ofNullable(owners.get(id));
  }

  void clear() {
    owners.clear();
    jobOfRequest.clear();
  }

  /** What a member says that it works on. */
  void heard(String member, JobQuestion.Heard answer) {
    for (Held held : answer.owned()) {
      owners.merge(held.id(), new Owner(member, held.lease().token()), Owner::newer);
    }
    answer.requests().forEach(jobOfRequest::putIfAbsent);
  }

  /** The first job of a request wins. */
  JobQuestion.Registered register(JobQuestion.Register question, TrainingJob job) {
    String first = jobOfRequest.putIfAbsent(job.spec().requestId(), job.jobId());
    if (first != null && !first.equals(job.jobId())) {
      return new JobQuestion.Registered(first);
    }
    owners.merge(job.jobId(), new Owner(question.from(), question.token()), Owner::newer);
    return new JobQuestion.Registered(job.jobId());
  }

  /**
   * Grants a claim or refuses it; absent where it is to be found out first whether the copy is the
   * best.
   *
   * @param bestCopy whether no member works on it or has a newer copy; of uploads alone
   */
  Optional<JobQuestion.Claimed> claim(View view, JobQuestion.Claim claim, boolean bestCopy) {
    Held held = claim.held();
    Owner owner = owners.get(held.id());
    if (owner != null && view.ids().contains(owner.member())) {
      if (owner.member().equals(claim.from())) {
        if (owner.token() == held.lease().token()) {
          return Optional.of(JobQuestion.Claimed.granted(owner.token()));
        }
      } else if (owner.token() > held.lease().token()) {
        return Optional.of(JobQuestion.Claimed.DROP);
      } else if (held.committed() && owner.token() == held.lease().token()) {
        return Optional.of(JobQuestion.Claimed.NOT_NOW);
      } // an upload may have been handed over: that is asked; and a former owner is none
    }
    if (!held.committed()) {
      return bestCopy ? Optional.of(grant(claim, owner)) : Optional.empty();
    }
    String job = jobOfRequest.putIfAbsent(held.requestId(), held.id());
    if (job != null && !job.equals(held.id()) && !held.lease().registered()) {
      return Optional.of(JobQuestion.Claimed.DROP); // its caller was answered with the other one
    }
    takeovers++;
    return Optional.of(grant(claim, owner));
  }

  private JobQuestion.Claimed grant(JobQuestion.Claim claim, @Nullable Owner before) {
    Held held = claim.held();
    long token = 1 + Math.max(held.lease().token(), before == null ? 0 : before.token());
    owners.put(held.id(), new Owner(claim.from(), token));
    LOG.info(
        "{} {}: member {} has it under token {}",
        held.committed() ? "job" : "upload",
        held.id(),
        claim.from(),
        token);
    return JobQuestion.Claimed.granted(token);
  }
}
