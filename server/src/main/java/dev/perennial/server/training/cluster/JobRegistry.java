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
import dev.perennial.server.training.LocalJobs.Held;
import dev.perennial.server.training.TrainingJob;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who works on what, as the oldest member decides it. Every member has one of these; it works only
 * while its member is the oldest. It keeps nothing on disk: a new coordinator asks every member
 * what it works on before it decides anything. Safe for any thread.
 */
final class JobRegistry {
  private static final Logger LOG = LoggerFactory.getLogger(JobRegistry.class);

  private static final Duration ANSWER = Duration.ofSeconds(5);

  /** Better copies come later: under one token all are the beginning of one file. */
  private static final Comparator<Held> WORTH =
      Comparator.comparingLong((Held held) -> held.lease().token()).thenComparingLong(Held::bytes);

  private final Channel<JobQuestion> members;
  private final OwnedJobs here;
  private final Predicate<String> ended;
  private final AtomicLong rejected = new AtomicLong();

  @GuardedBy("this")
  private final Ownership known = new Ownership();

  @GuardedBy("this")
  private final Set<String> heard = new HashSet<>();

  /** Grows whenever a member is to be heard anew: what was asked for before counts no more. */
  @GuardedBy("this")
  private long term;

  JobRegistry(Channel<JobQuestion> members, OwnedJobs here, Predicate<String> ended) {
    this.ended = ended;
    this.members = members;
    this.here = here;
  }

  /**
   * What this member has decided as the coordinator.
   *
   * @param takeovers jobs that went on at another member after their owner was gone
   * @param rejected changes by members that did not own their jobs any more
   */
  record Counters(long takeovers, long rejected) {}

  synchronized Counters counters() {
    return new Counters(known.takeovers(), rejected.get());
  }

  /**
   * Decides once every member in the view has been heard: with this monitor, which is never held
   * while members are asked. So who waits for a silent member is only who cannot do without it.
   * Throws UNAVAILABLE where this member does not coordinate, or a member is silent.
   */
  private <T> T decide(BiFunction<View, Ownership, T> decision) {
    Set<String> starting = new HashSet<>(); // they work on nothing yet
    while (true) {
      View view;
      List<String> unheard;
      long asked;
      synchronized (this) {
        view = coordinating();
        unheard = new ArrayList<>(view.ids());
        unheard.removeAll(heard);
        unheard.removeAll(starting);
        if (unheard.isEmpty()) {
          return decision.apply(view, known);
        }
        asked = term;
      }
      hear(view, unheard, asked, starting);
    }
  }

  /** This member's view; forgets all where it does not coordinate. */
  @GuardedBy("this")
  private View coordinating() {
    View view = members.view();
    if (!view.coordinates()) {
      term++;
      heard.clear();
      known.clear();
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "NOT_COORDINATOR",
          "coordinator: " + view.self() + " (expected: " + view.coordinator() + ")");
    }
    if (heard.retainAll(view.ids())) {
      term++; // what those have answered before says nothing of what they are when they are back
    }
    return view;
  }

  private static List<String> without(String member, List<String> all) {
    return all.stream().filter(other -> !other.equals(member)).toList();
  }

  private void hear(View view, List<String> unheard, long asked, Set<String> starting) {
    Map<String, CompletableFuture<byte[]>> answers =
        members.askAll(without(view.self(), unheard), new JobQuestion.Hear());
    if (unheard.contains(view.self())) {
      heard(view.self(), here.heard(), asked);
    }
    long until = System.nanoTime() + ANSWER.toNanos();
    ServingException silent = null;
    for (Map.Entry<String, CompletableFuture<byte[]>> answer : answers.entrySet()) {
      try {
        Duration left = Duration.ofNanos(until - System.nanoTime());
        byte[] bytes = Answers.await(answer.getKey(), answer.getValue(), left);
        heard(answer.getKey(), Wire.read(bytes, JobQuestion.Heard.class), asked);
      } catch (ServingException e) {
        if (e.reason().equals(STARTING)) {
          starting.add(answer.getKey());
        } else {
          silent = e;
        }
      }
    }
    if (silent != null) {
      throw silent;
    }
  }

  /** What two have asked for counts once: since the first answer it may have been decided anew. */
  private synchronized void heard(String member, JobQuestion.Heard answer, long asked) {
    if (asked == term && heard.add(member)) {
      known.heard(member, answer);
    }
  }

  /** What a member answers that does not work on jobs yet. */
  static final String STARTING = "MEMBER_STARTING";

  JobQuestion.Claimed claim(JobQuestion.Claim claim) {
    if (ended.test(claim.held().id())) {
      return decide((view, known) -> JobQuestion.Claimed.DROP);
    }
    View looked = null;
    while (true) {
      View best = looked;
      Decision decision =
          decide((view, known) -> new Decision(known.claim(view, claim, view.equals(best)), view));
      if (decision.claimed().isPresent()) {
        return decision.claimed().get();
      }
      looked = decision.view();
      if (!isBestCopy(looked, claim)) {
        return JobQuestion.Claimed.NOT_NOW;
      }
    }
  }

  /**
   * @param claimed absent where it is to be found out first whether the copy is that view's best
   */
  private record Decision(Optional<JobQuestion.Claimed> claimed, View view) {}

  /**
   * Of an upload the copy that has the most counts: others may have been left behind. And who works
   * on one is asked: an owner that was heard before it began is not known, and one that has handed
   * it over is none any more.
   */
  private boolean isBestCopy(View view, JobQuestion.Claim claim) {
    JobQuestion.Find find = new JobQuestion.Find(claim.held().requestId());
    Map<String, CompletableFuture<byte[]>> answers =
        members.askAll(without(claim.from(), view.others()), find);
    if (!view.self().equals(claim.from()) && isBetter(here.found(find.requestId()), claim.held())) {
      return false;
    }
    for (Map.Entry<String, CompletableFuture<byte[]>> answer : answers.entrySet()) {
      if (isBetter(found(answer.getKey(), answer.getValue()), claim.held())) {
        return false;
      }
    }
    return true;
  }

  private static JobQuestion.Found found(String member, CompletableFuture<byte[]> answer) {
    try {
      return Wire.read(Answers.await(member, answer, ANSWER), JobQuestion.Found.class);
    } catch (ServingException e) {
      if (e.reason().equals(STARTING)) {
        return JobQuestion.Found.NOTHING;
      }
      throw e;
    }
  }

  /** Whether a member works on the upload, by no older right, or has a better copy. */
  private static boolean isBetter(JobQuestion.Found found, Held claimed) {
    return found.owned().stream()
            .anyMatch(
                owned ->
                    owned.id().equals(claimed.id())
                        && owned.lease().token() >= claimed.lease().token())
        || found.copy().stream()
            .anyMatch(copy -> copy.id().equals(claimed.id()) && WORTH.compare(copy, claimed) > 0);
  }

  /** The first job of a request wins. */
  JobQuestion.Registered register(JobQuestion.Register question) {
    TrainingJob job = JobJson.read(question.job()).job();
    return decide((view, known) -> known.register(question, job));
  }

  /** Throws UNAVAILABLE (STALE_OWNER) where a job is not that member's any more. */
  void require(Fence fence, String from) {
    if (fence.jobId().isEmpty()) {
      return;
    }
    Optional<Ownership.Owner> owner = decide((view, known) -> known.owner(fence.jobId()));
    if (!owner.equals(Optional.of(new Ownership.Owner(from, fence.token())))) {
      rejected.incrementAndGet();
      LOG.warn(
          "job {}: stale write of member {} refused: token {}, owner {}",
          fence.jobId(),
          from,
          fence.token(),
          told(owner));
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "STALE_OWNER",
          "job " + fence.jobId() + ": token " + fence.token() + " (expected: " + told(owner) + ")");
    }
  }

  private static String told(Optional<Ownership.Owner> owner) {
    return owner.map(Ownership.Owner::toString).orElse("no owner");
  }
}
