package dev.perennial.server.training.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Fence;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs.Held;
import dev.perennial.server.training.TrainingJob;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who works on what, as the oldest member decides it. Every member has one of these; it works only
 * while its member is the oldest. It keeps nothing on disk: a new coordinator asks every member
 * what it works on before it decides anything. Safe for any thread.
 *
 * <p>A grant has a token that is higher than any before. The owner is a member's id, which a
 * process has once: so a member that was given up and comes back owns nothing, whatever its token
 * says.
 */
final class JobRegistry {
  private static final Logger LOG = LoggerFactory.getLogger(JobRegistry.class);

  /** Owners and requests that are remembered; members remember their own. */
  private static final int MAX_REMEMBERED = 100_000;

  private static final Duration ANSWER = Duration.ofSeconds(5);

  private record Owner(String member, long token) {}

  private final Channel<JobQuestion> members;
  private final OwnedJobs here;
  private final Predicate<String> ended;
  private final AtomicLong takeovers = new AtomicLong();
  private final AtomicLong rejected = new AtomicLong();

  @GuardedBy("this")
  private final Map<String, Owner> owners = bounded();

  @GuardedBy("this")
  private final Map<String, String> jobOfRequest = bounded();

  @GuardedBy("this")
  private final Set<String> heard = new HashSet<>();

  JobRegistry(Channel<JobQuestion> members, OwnedJobs here, Predicate<String> ended) {
    this.ended = ended;
    this.members = members;
    this.here = here;
  }

  private static <V> Map<String, V> bounded() {
    return new LinkedHashMap<>() {
      @Override
      protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
        return size() > MAX_REMEMBERED;
      }
    };
  }

  /**
   * What this member has decided as the coordinator.
   *
   * @param takeovers jobs that went on at another member after their owner was gone
   * @param rejected changes by members that did not own their jobs any more
   */
  record Counters(long takeovers, long rejected) {}

  Counters counters() {
    return new Counters(takeovers.get(), rejected.get());
  }

  /** This member's view; throws where it does not coordinate or cannot hear all of the others. */
  @GuardedBy("this")
  private View established() {
    View view = members.view();
    if (!view.coordinates()) {
      heard.clear();
      owners.clear();
      jobOfRequest.clear();
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "NOT_COORDINATOR",
          "coordinator: " + view.self() + " (expected: " + view.coordinator() + ")");
    }
    heard.retainAll(view.ids());
    for (String member : view.ids()) {
      if (!heard.contains(member)) {
        hear(view, member);
      }
    }
    return view;
  }

  @GuardedBy("this")
  private void hear(View view, String member) {
    JobQuestion.Heard known;
    try {
      known =
          member.equals(view.self())
              ? here.heard()
              : members.ask(member, new JobQuestion.Hear(), JobQuestion.Heard.class, ANSWER);
    } catch (ServingException e) {
      if (e.reason().equals(STARTING)) {
        return; // it works on nothing yet
      }
      throw e;
    }
    for (Held held : known.owned()) {
      Owner owner = new Owner(member, held.lease().token());
      owners.merge(held.id(), owner, (a, b) -> a.token() >= b.token() ? a : b);
    }
    known.requests().forEach(jobOfRequest::putIfAbsent);
    heard.add(member);
  }

  /** What a member answers that does not work on jobs yet. */
  static final String STARTING = "MEMBER_STARTING";

  synchronized JobQuestion.Claimed claim(JobQuestion.Claim claim) {
    View view = established();
    Held held = claim.held();
    if (ended.test(held.id())) {
      return JobQuestion.Claimed.DROP;
    }
    Owner owner = owners.get(held.id());
    if (owner != null
        && owner.member().equals(claim.from())
        && owner.token() == held.lease().token()) {
      return JobQuestion.Claimed.granted(owner.token());
    }
    if (owner != null
        && view.ids().contains(owner.member())
        && !owner.member().equals(claim.from())) {
      return owner.token() > held.lease().token()
          ? JobQuestion.Claimed.DROP
          : JobQuestion.Claimed.NOT_NOW;
    }
    if (held.committed()) {
      String job = jobOfRequest.putIfAbsent(held.requestId(), held.id());
      if (job != null && !job.equals(held.id()) && !held.lease().registered()) {
        return JobQuestion.Claimed.DROP; // its caller was answered with the other one
      }
    } else if (!isBestCopy(view, claim)) {
      return JobQuestion.Claimed.NOT_NOW;
    }
    long token = 1 + Math.max(held.lease().token(), owner == null ? 0 : owner.token());
    owners.put(held.id(), new Owner(claim.from(), token));
    if (held.committed()) {
      takeovers.incrementAndGet();
    }
    LOG.info(
        "{} {}: member {} has it under token {}",
        held.committed() ? "job" : "upload",
        held.id(),
        claim.from(),
        token);
    return JobQuestion.Claimed.granted(token);
  }

  /**
   * Of an upload that nobody works on, the copy that has the most counts: others may have been left
   * behind. This member knows no owner of one that began after its owner was heard.
   */
  @GuardedBy("this")
  private boolean isBestCopy(View view, JobQuestion.Claim claim) {
    JobQuestion.Find find = new JobQuestion.Find(claim.held().requestId());
    Map<String, CompletableFuture<byte[]>> answers = new HashMap<>();
    for (String member : view.others()) {
      if (!member.equals(claim.from()) && heard.contains(member)) {
        answers.put(member, members.ask(member, find));
      }
    }
    if (!view.self().equals(claim.from()) && isBetter(here.found(find.requestId()), claim.held())) {
      return false;
    }
    for (Map.Entry<String, CompletableFuture<byte[]>> answer : answers.entrySet()) {
      JobQuestion.Found found =
          Wire.read(
              Answers.await(answer.getKey(), answer.getValue(), ANSWER), JobQuestion.Found.class);
      if (isBetter(found, claim.held())) {
        return false;
      }
    }
    return true;
  }

  /** Whether a member works on the upload, or has a newer copy. */
  private static boolean isBetter(JobQuestion.Found found, Held claimed) {
    Comparator<Held> age =
        Comparator.comparing(Held::lease, Lease.AGE).thenComparingLong(Held::bytes);
    return found.owned().stream().anyMatch(owned -> owned.id().equals(claimed.id()))
        || found.copy().stream()
            .anyMatch(copy -> copy.id().equals(claimed.id()) && age.compare(copy, claimed) > 0);
  }

  /** The first job of a request wins. */
  synchronized JobQuestion.Registered register(JobQuestion.Register question) {
    TrainingJob job = JobJson.read(question.job()).job();
    established();
    String first = jobOfRequest.putIfAbsent(job.spec().requestId(), job.jobId());
    if (first != null && !first.equals(job.jobId())) {
      return new JobQuestion.Registered(first);
    }
    owners.merge(
        job.jobId(),
        new Owner(question.from(), question.token()),
        (a, b) -> a.token() >= b.token() ? a : b);
    return new JobQuestion.Registered(job.jobId());
  }

  synchronized void release(JobQuestion.Release release) {
    established();
    Owner owner = owners.get(release.id());
    if (owner != null && owner.member().equals(release.from())) {
      owners.put(release.id(), new Owner("", owner.token()));
    }
  }

  /** Throws UNAVAILABLE (STALE_OWNER) where a job is not that member's any more. */
  synchronized void require(Fence fence, String from) {
    if (fence.jobId().isEmpty()) {
      return;
    }
    established();
    Owner owner = owners.get(fence.jobId());
    if (owner == null || !owner.member().equals(from) || owner.token() != fence.token()) {
      rejected.incrementAndGet();
      LOG.warn(
          "job {}: stale write of member {} refused: token {}, owner {}",
          fence.jobId(),
          from,
          fence.token(),
          owner);
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "STALE_OWNER",
          "job " + fence.jobId() + ": token " + fence.token() + " (expected: " + owner + ")");
    }
  }
}
