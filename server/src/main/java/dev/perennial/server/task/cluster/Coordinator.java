package dev.perennial.server.task.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.JobFence;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.PoolChange;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.cluster.Readiness.Standing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The oldest member decides: one change after the other. Every member has one of these; it works
 * only while its member is the oldest. Safe for any thread.
 *
 * <p>A member that becomes the coordinator first hears the manifest of every member in its view and
 * unites them; one that it cannot hear is waited for until it answers or leaves. From then on, a
 * change takes these steps: its version is stored by the members, durably, before any manifest
 * names it; the new manifest goes to the other members; once one of them has it on disk, here too;
 * only then is the change acknowledged. So it is on min(2, members) disks, and a coordinator that
 * was deposed without knowing it writes nothing, as nobody takes its manifest. Where its own disk
 * is full, two of the others must have it; its pool follows once there is room.
 *
 * <p>A member whose answer to a manifest is lost may have it or not: it is heard again before the
 * next change, and its epoch is not used a second time. A member that joins later is settled, and
 * counts, once it has caught up.
 */
final class Coordinator {
  private static final Logger LOG = LoggerFactory.getLogger(Coordinator.class);

  private final TaskPool pool;
  private final Channel<Request> members;
  private final Replica replica;
  private final Readiness readiness;
  private final ClusterOptions options;
  private final CatchUp catchUp;
  private final ReentrantLock deciding = new ReentrantLock(true);
  private final AtomicLong merges = new AtomicLong();
  private final AtomicLong changes = new AtomicLong();
  private final AtomicLong catchUps = new AtomicLong();
  private final Heard others = new Heard();

  @GuardedBy("deciding")
  private final Rollout rollout;

  private volatile JobFence fence = JobFence.NONE;

  /** What this member was when it began to hear the others; as another it hears them anew. */
  @GuardedBy("deciding")
  private Standing standing = new Standing("", 0);

  /** Whether everybody was heard since this member became the coordinator. */
  @GuardedBy("deciding")
  private boolean established;

  Coordinator(
      TaskPool pool,
      Channel<Request> members,
      Replica replica,
      Readiness readiness,
      ClusterOptions options) {
    this.pool = pool;
    this.members = members;
    this.replica = replica;
    this.readiness = readiness;
    this.options = options;
    this.catchUp = new CatchUp(pool, members, replica, options);
    this.rollout = new Rollout(pool, members, replica, options, others);
  }

  void fencedBy(JobFence check) {
    fence = check;
  }

  /** Times that a pool was united with what only another member knew. */
  long merges() {
    return merges.get();
  }

  /** Changes that it has decided. */
  long changes() {
    return changes.get();
  }

  /** Times that it has brought a member up to date. */
  long catchUps() {
    return catchUps.get();
  }

  /**
   * Applies a change; returns the epoch from which on it holds. Throws what {@link PoolChange}
   * throws; UNAVAILABLE where this is not the coordinator, or too few members answer: then the
   * change may still come to be, when a member has it.
   *
   * @param request from the member that has stored the change's version
   */
  long apply(Request.Apply request) {
    lock(options.change());
    try {
      View view = coordinating();
      requireMember(view, request.from());
      readiness.requireHeard(); // of this view: the process may stand still at any moment
      establish(view);
      fence.require(request.fence(), request.from());
      List<String> holders = new ArrayList<>(List.of(request.from()));
      holders.addAll(view.ids());
      if (!rollout.isDurable()) {
        rollout.bring(view, rollout.decided(), holders); // what a former one left half done
      }
      Manifest next = rollout.next(request.change());
      if (!next.equals(rollout.decided())) {
        rollout.bring(view, next, holders);
        changes.incrementAndGet();
      }
      return next.epoch();
    } finally {
      deciding.unlock();
    }
  }

  /** Whoever has left asks somebody else by now, and must not be served twice. */
  private static void requireMember(View view, String from) {
    if (!view.ids().contains(from)) {
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "NOT_COORDINATOR",
          "member that wants a change: " + from + " (expected: one of " + view.ids() + ")");
    }
  }

  private void lock(Duration timeout) {
    try {
      if (!deciding.tryLock(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
        throw unavailable("changes are waiting for one that has not ended within " + timeout);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unavailable("interrupted");
    }
  }

  private static ServingException unavailable(String what) {
    return ServingException.unavailable("NOT_REPLICATED", what, Duration.ofSeconds(1));
  }

  /** This member's view; throws where it does not coordinate, or has to wait for the others. */
  @GuardedBy("deciding")
  private View coordinating() {
    View view = members.view();
    Standing now = readiness.standing();
    boolean same = view.coordinates() && now.equals(standing);
    // Where only others have what was decided, it is to be found out who still does.
    if (!same || (others.someLeft(view) && !rollout.isHere())) {
      established = false;
      others.forget();
      standing = now;
      rollout.beginWithOwn();
    }
    if (!view.coordinates()) {
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "NOT_COORDINATOR",
          "coordinator: " + view.self() + " (expected: " + view.coordinator() + ")");
    }
    readiness.requireCompany(view);
    others.retain(view);
    return view;
  }

  /** Hears whom it must before it may decide; then it counts as heard itself. */
  @GuardedBy("deciding")
  private void establish(View view) {
    if (!established) {
      for (String member : view.others()) {
        if (!others.knows(member)) {
          hear(view, member);
          others.settle(member);
        }
      }
      established = true;
    }
    for (String member : rollout.toBeHeard()) {
      hear(view, member);
    }
    readiness.heard(standing, view.others().isEmpty());
  }

  /** Makes what a member knows this pool's, too; then it is heard. */
  @GuardedBy("deciding")
  private void hear(View view, String member) {
    others.hears(member);
    Manifest theirs =
        members.ask(member, new Request.State(view.self()), Manifest.class, options.answer());
    Manifest before = rollout.decided();
    Manifest union = theirs.covers(before) ? theirs : rollout.next(new PoolChange.Union(theirs));
    if (!union.equals(before)) {
      List<String> holders = new ArrayList<>(List.of(member));
      holders.addAll(view.ids());
      replica.reach(union, holders);
      merges.incrementAndGet();
      LOG.info(
          "epoch {} unites epoch {} here and epoch {} of member {}",
          union.epoch(),
          before.epoch(),
          theirs.epoch(),
          member);
    }
    rollout.decide(union);
    others.heard(member);
  }

  /** A member is not ready, whatever is known of it here: it is heard anew when this tends. */
  void hearAnew(String member) {
    others.askedFor(member);
  }

  /**
   * Looks after members that are new or behind, this one too: hears them, and brings them up to
   * date. Throws where it is not the coordinator, or cannot hear whom it must.
   */
  void tend() {
    Set<String> silent = new HashSet<>();
    unheard()
        .forEach(
            (member, now) -> {
              try {
                catchUp.exchange(member, now);
              } catch (ServingException e) {
                LOG.info("member {} is not caught up: {}", member, e.getMessage());
                if (e.reason().equals(Answers.SILENT)) {
                  silent.add(member);
                }
              }
            });
    lock(options.change());
    try {
      View view = coordinating();
      establish(view);
      for (String member : view.others()) {
        if (!silent.contains(member)) { // else changes would wait for it
          hearQuietly(view, member);
        }
      }
      catchUps.addAndGet(rollout.bringBehind(view).size());
      reachDecided(view);
      if (rollout.isHere() && view.others().stream().allMatch(others::isContent)) {
        pool.releasePrepared(); // nothing is under way: neither a change nor a catching up
      }
    } finally {
      deciding.unlock();
    }
  }

  /** This member's own pool follows what was decided, where its disk has room. */
  @GuardedBy("deciding")
  private void reachDecided(View view) {
    if (rollout.isHere() || replica.reach(rollout.decided(), view.ids())) {
      readiness.caughtUp(standing, view.others().isEmpty());
    }
  }

  @GuardedBy("deciding")
  private void hearQuietly(View view, String member) {
    if (!others.isContent(member)) {
      try {
        hear(view, member);
      } catch (ServingException e) {
        LOG.info("member {} is not heard: {}", member, e.getMessage());
      }
    }
  }

  /** Members that are to catch up with what was decided, this one too. */
  private Map<String, Manifest> unheard() {
    lock(options.change());
    try {
      View view = coordinating();
      Map<String, Manifest> unheard = new HashMap<>();
      if (!rollout.isHere()) {
        unheard.put(view.self(), rollout.decided());
      }
      for (String member : view.others()) {
        if (!others.isContent(member)) {
          unheard.put(member, rollout.decided());
        }
      }
      return unheard;
    } finally {
      deciding.unlock();
    }
  }
}
