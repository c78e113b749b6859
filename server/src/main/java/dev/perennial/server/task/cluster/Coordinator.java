package dev.perennial.server.task.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
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
import java.util.List;
import java.util.Map;
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
  private volatile JobFence fence = JobFence.NONE;

  /** What this member was when it began to hear the others; as another it hears them anew. */
  @GuardedBy("deciding")
  private Standing standing = new Standing("", 0);

  /** Whether everybody was heard since this member became the coordinator. */
  @GuardedBy("deciding")
  private boolean established;

  /** What was decided last; this pool may have yet to reach it. */
  @GuardedBy("deciding")
  private Manifest decided = Manifest.empty();

  /** The highest epoch that was sent to anybody. */
  @GuardedBy("deciding")
  private long usedEpoch;

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
      readiness.requireHeard(); // of this view: the process may stand still at any moment
      establish(view);
      fence.require(request.fence(), request.from());
      List<String> holders = new ArrayList<>(List.of(request.from()));
      holders.addAll(view.ids());
      if (!isDurable()) {
        replicate(view, decided, holders); // what a former coordinator left half done
      }
      Manifest next = pool.decide(decided, request.change(), usedEpoch);
      if (!next.equals(decided)) {
        replicate(view, next, holders);
        changes.incrementAndGet();
      }
      return next.epoch();
    } finally {
      deciding.unlock();
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
    if (!same || (others.someLeft(view) && !decided.equals(pool.manifest()))) {
      established = false;
      others.forget();
      standing = now;
      decided = pool.manifest();
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
    for (String member : established ? others.settled() : view.others()) {
      if (!others.knows(member)) {
        hear(view, member);
        others.settle(member);
      }
    }
    established = true;
    readiness.heard(standing, view.others().isEmpty());
  }

  /** Makes what a member knows this pool's, too; then it is heard. */
  @GuardedBy("deciding")
  private void hear(View view, String member) {
    others.hears(member);
    Manifest theirs =
        members.ask(member, new Request.State(view.self()), Manifest.class, options.answer());
    Manifest before = decided;
    Manifest union =
        theirs.covers(before)
            ? theirs
            : pool.decide(before, new PoolChange.Union(theirs), usedEpoch);
    if (!union.equals(before)) {
      List<String> holders = new ArrayList<>(List.of(member));
      holders.addAll(view.ids());
      replica.reach(union, holders);
      decided = union;
      merges.incrementAndGet();
      LOG.info(
          "epoch {} unites epoch {} here and epoch {} of member {}",
          union.epoch(),
          before.epoch(),
          theirs.epoch(),
          member);
    }
    usedEpoch = Math.max(usedEpoch, union.epoch());
    others.heard(member);
  }

  /** Whether enough disks are known to have what was decided last. */
  @GuardedBy("deciding")
  private boolean isDurable() {
    return others.having(decided) + (pool.manifest().equals(decided) ? 1 : 0) >= enough();
  }

  /** Disks that must have a change before it is acknowledged. */
  @GuardedBy("deciding")
  private int enough() {
    return Math.min(2, 1 + others.settled().size());
  }

  /**
   * Brings a manifest to enough disks, this one among them where it has room, or throws.
   *
   * @param holders members that have what is new; the change's author first
   */
  @GuardedBy("deciding")
  private void replicate(View view, Manifest next, List<String> holders) {
    List<String> added = new ArrayList<>(next.fileIds());
    added.removeAll(decided.fileIds());
    List<String> settled = others.settled();
    try {
      ServingException full = replica.store(added, holders);
      boolean here = full == null && pool.missing(next).isEmpty();
      int needed = enough() - (here ? 1 : 0);
      List<String> prepared = prepare(settled, added, holders);
      if (prepared.size() < needed) {
        throw full != null ? full : tooFew("can take", next, prepared);
      }
      List<String> agreed = install(view, prepared, next, holders);
      if (!agreed.isEmpty()) {
        decided = next; // on a disk: whatever comes now, it is not undone
      }
      if (agreed.size() < needed) {
        throw tooFew("have", next, agreed);
      }
      if (here && replica.reach(next, holders)) {
        decided = next;
        replica.awaitDevices(next.epoch());
      } else if (agreed.size() < enough()) {
        throw tooFew("have", next, agreed);
      }
    } catch (ServingException e) {
      if (!decided.equals(next)) {
        release(settled, added, holders.get(0));
      }
      throw e;
    }
  }

  @GuardedBy("deciding")
  private ServingException tooFew(String what, Manifest next, List<String> members) {
    return unavailable(
        "disks that %s epoch %d: %d of the others' %d (expected: %d, this one among them if it can)"
            .formatted(what, next.epoch(), members.size(), others.settled().size(), enough()));
  }

  /** The other members that have stored the versions; at least one, where there is one. */
  @GuardedBy("deciding")
  private List<String> prepare(List<String> settled, List<String> added, List<String> holders) {
    if (added.isEmpty()) {
      return settled;
    }
    Round<Request.Prepared> round = new Round<>(members, settled, Request.Prepared.class, options);
    round.ask(new Request.Prepare(added, holders), enough(), answer -> answer.remaining() == 0);
    round
        .failures()
        .forEach((member, e) -> LOG.warn("member {} stores nothing: {}", member, e.getMessage()));
    if (round.agreed().isEmpty() && !settled.isEmpty()) {
      throw round.failures().values().stream()
          .filter(e -> e.code() == ErrorCode.RESOURCE_EXHAUSTED)
          .findFirst()
          .orElseGet(() -> unavailable("no other member has stored " + added));
    }
    return round.agreed();
  }

  /** Sends the manifest to members that have its versions; returns those that have it now. */
  @GuardedBy("deciding")
  private List<String> install(
      View view, List<String> prepared, Manifest next, List<String> holders) {
    usedEpoch = Math.max(usedEpoch, next.epoch());
    Round<Request.Installed> round =
        new Round<>(members, prepared, Request.Installed.class, options);
    round.ask(
        new Request.Install(view.self(), next, holders, true),
        Math.max(1, enough() - (pool.missing(next).isEmpty() ? 1 : 0)),
        answer -> answer.manifest().equals(next));
    for (String member : prepared) {
      if (round.agreed().contains(member)) {
        others.settle(member, next);
      } else {
        others.lost(member);
        LOG.info("member {} is behind epoch {}", member, next.epoch());
      }
    }
    return round.agreed();
  }

  /** A change's author keeps its file: it tries again, and lets go of it by itself. */
  private void release(List<String> holders, List<String> added, String author) {
    if (added.isEmpty()) {
      return;
    }
    for (String member : holders) {
      if (!member.equals(author)) {
        var unused = members.ask(member, new Request.Release(added));
      }
    }
    if (!members.view().self().equals(author)) {
      replica.release(added);
    }
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
    Map<String, Manifest> unheard = unheard();
    unheard.forEach(
        (member, now) -> {
          try {
            catchUp.exchange(member, now);
          } catch (ServingException e) {
            LOG.info("member {} is not caught up: {}", member, e.getMessage());
          }
        });
    lock(options.change());
    try {
      View view = coordinating();
      establish(view);
      for (String member : view.others()) {
        hearQuietly(view, member);
      }
      usedEpoch = Math.max(usedEpoch, decided.epoch());
      catchUps.addAndGet(install(view, others.behind(decided), decided, view.ids()).size());
      reachDecided(view);
    } finally {
      deciding.unlock();
    }
  }

  /** This member's own pool follows what was decided, where its disk has room. */
  @GuardedBy("deciding")
  private void reachDecided(View view) {
    if (pool.manifest().equals(decided) || replica.reach(decided, view.ids())) {
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
      if (!pool.manifest().equals(decided)) {
        unheard.put(view.self(), decided);
      }
      for (String member : view.others()) {
        if (!others.isContent(member)) {
          unheard.put(member, decided);
        }
      }
      return unheard;
    } finally {
      deciding.unlock();
    }
  }
}
