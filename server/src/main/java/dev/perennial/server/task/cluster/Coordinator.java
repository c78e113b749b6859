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
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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
 * was deposed without knowing it writes nothing, as nobody takes its manifest.
 *
 * <p>A member whose answer to a manifest is lost may have it or not: it is heard again before the
 * next change, and its epoch is not used a second time. A member that joins later is settled, and
 * counts, once it has caught up.
 */
final class Coordinator {
  private static final Logger LOG = LoggerFactory.getLogger(Coordinator.class);

  /** Times the longest wait of a change, for which a member may load what it was sent. */
  private static final int MAX_LOADS = 10;

  private final TaskPool pool;
  private final Channel<Request> members;
  private final Replica replica;
  private final Readiness readiness;
  private final ClusterOptions options;
  private final ReentrantLock deciding = new ReentrantLock(true);
  private final AtomicLong merges = new AtomicLong();
  private volatile JobFence fence = JobFence.NONE;

  /** Members that want to be heard anew. */
  private final Set<String> unready = ConcurrentHashMap.newKeySet();

  /** What this member was when it began to hear the others; as another it hears them anew. */
  @GuardedBy("deciding")
  private Standing standing = new Standing("", 0);

  /** Whether everybody was heard since this member became the coordinator. */
  @GuardedBy("deciding")
  private boolean established;

  /** Members that have caught up: changes go to them, and are counted there. */
  @GuardedBy("deciding")
  private final Set<String> settled = new HashSet<>();

  /** Members whose state is part of this pool. */
  @GuardedBy("deciding")
  private final Set<String> heard = new HashSet<>();

  /** The manifest that each of them was told, and has. */
  @GuardedBy("deciding")
  private final Map<String, Manifest> known = new HashMap<>();

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
  }

  void fencedBy(JobFence check) {
    fence = check;
  }

  /** Times that a pool was united with what only another member knew. */
  long merges() {
    return merges.get();
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
      readiness.require(); // of this view: the process may stand still at any moment
      establish(view);
      fence.require(request.fence(), request.from());
      Manifest before = pool.manifest();
      Manifest next = pool.decide(request.change(), usedEpoch);
      if (!next.equals(before)) {
        replicate(view, before, next, List.of(request.from(), view.self()));
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

  /** This member's view; throws where it does not coordinate. */
  @GuardedBy("deciding")
  private View coordinating() {
    View view = members.view();
    Standing now = readiness.standing();
    if (!view.coordinates() || !now.equals(standing)) {
      established = false;
      settled.clear();
      heard.clear();
      known.clear();
      standing = now;
    }
    if (!view.coordinates()) {
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "NOT_COORDINATOR",
          "coordinator: " + view.self() + " (expected: " + view.coordinator() + ")");
    }
    settled.retainAll(view.ids());
    heard.retainAll(view.ids());
    known.keySet().retainAll(view.ids());
    unready.retainAll(view.ids());
    return view;
  }

  /** Hears whom it must before it may decide. */
  @GuardedBy("deciding")
  private void establish(View view) {
    for (String member : established ? List.copyOf(settled) : view.others()) {
      if (!heard.contains(member)) {
        hear(view, member);
        settled.add(member);
      }
    }
    established = true;
  }

  /** Makes what a member knows this pool's, too; then it is heard. */
  @GuardedBy("deciding")
  private void hear(View view, String member) {
    unready.remove(member);
    Manifest theirs =
        members.ask(member, new Request.State(view.self()), Manifest.class, options.answer());
    Manifest before = pool.manifest();
    Manifest union =
        theirs.covers(before) ? theirs : pool.decide(new PoolChange.Union(theirs), usedEpoch);
    if (!union.equals(before)) {
      if (replica.hold(pool.missing(union), List.of(member)) > 0) {
        throw unavailable("versions of " + member + " are still being fetched");
      }
      pool.install(union);
      merges.incrementAndGet();
      LOG.info(
          "epoch {} unites epoch {} here and epoch {} of member {}",
          union.epoch(),
          before.epoch(),
          theirs.epoch(),
          member);
    }
    usedEpoch = Math.max(usedEpoch, union.epoch());
    known.remove(member); // it is told the manifest even where it has it, to know that it does
    heard.add(member);
  }

  /** Brings a decided manifest to enough disks, this one among them, or throws. */
  @GuardedBy("deciding")
  private void replicate(View view, Manifest before, Manifest next, List<String> holders) {
    List<String> added = new ArrayList<>(next.fileIds());
    added.removeAll(before.fileIds());
    List<String> others = List.copyOf(settled);
    int enough = Math.min(1, others.size());
    try {
      if (!added.isEmpty() && replica.hold(added, holders) > 0) {
        throw unavailable("versions " + added + " are still being fetched");
      }
      List<String> prepared = prepare(others, added, holders);
      List<String> agreed = install(view, prepared, next, holders);
      if (agreed.size() < enough) {
        throw unavailable(
            "members that have epoch "
                + next.epoch()
                + ": 0 of "
                + others.size()
                + " others (expected: at least 1)");
      }
    } catch (ServingException e) {
      release(others, added);
      throw e;
    }
    pool.install(next);
    if (!pool.manifest().covers(next)) {
      throw unavailable("another coordinator has decided in the meantime");
    }
    replica.awaitDevices(next.epoch());
  }

  /** The other members that have stored the versions; at least one, where there is one. */
  private List<String> prepare(List<String> others, List<String> added, List<String> holders) {
    if (added.isEmpty()) {
      return others;
    }
    Round<Request.Prepared> round = new Round<>(members, others, Request.Prepared.class, options);
    round.ask(new Request.Prepare(added, holders), answer -> answer.remaining() == 0);
    round
        .failures()
        .forEach((member, e) -> LOG.warn("member {} stores nothing: {}", member, e.getMessage()));
    if (round.agreed().isEmpty() && !others.isEmpty()) {
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
        answer -> answer.manifest().equals(next));
    for (String member : prepared) {
      if (round.agreed().contains(member)) {
        known.put(member, next);
        settled.add(member);
      } else {
        heard.remove(member);
        LOG.info("member {} is behind epoch {}", member, next.epoch());
      }
    }
    return round.agreed();
  }

  private void release(List<String> others, List<String> added) {
    if (added.isEmpty()) {
      return;
    }
    for (String member : others) {
      var unused = members.ask(member, new Request.Release(added));
    }
    replica.release(added);
  }

  /** A member is not ready, whatever is known of it here: it is heard anew when this tends. */
  void hearAnew(String member) {
    unready.add(member);
  }

  /**
   * Looks after members that are new or behind: hears them, and brings them up to date; then this
   * one is. Throws where it is not the coordinator, or cannot hear whom it must.
   */
  void tend() {
    for (String member : unheard()) {
      try {
        exchange(member);
      } catch (ServingException e) {
        LOG.info("member {} is not caught up: {}", member, e.getMessage());
      }
    }
    lock(options.change());
    try {
      View view = coordinating();
      establish(view);
      for (String member : view.others()) {
        hearQuietly(view, member);
      }
      Manifest now = pool.manifest();
      usedEpoch = Math.max(usedEpoch, now.epoch());
      List<String> behind = new ArrayList<>();
      for (String member : heard) {
        if (!settled.contains(member) || !now.equals(known.get(member))) {
          behind.add(member);
        }
      }
      install(view, behind, now, view.ids());
      readiness.caughtUp(standing, view.others().isEmpty());
    } finally {
      deciding.unlock();
    }
  }

  /** And says nothing else itself. */
  @GuardedBy("deciding")
  private boolean isHeard(String member) {
    return heard.contains(member) && !unready.contains(member);
  }

  @GuardedBy("deciding")
  private void hearQuietly(View view, String member) {
    if (!isHeard(member)) {
      try {
        hear(view, member);
      } catch (ServingException e) {
        LOG.info("member {} is not heard: {}", member, e.getMessage());
      }
    }
  }

  private List<String> unheard() {
    lock(options.change());
    try {
      List<String> unheard = new ArrayList<>();
      for (String member : coordinating().others()) {
        if (!isHeard(member)) {
          unheard.add(member);
        }
      }
      return unheard;
    } finally {
      deciding.unlock();
    }
  }

  /**
   * What takes long is done before anybody waits for it: versions that only the other member has
   * are fetched, those that it lacks are stored there, and it loads them.
   */
  private void exchange(String member) {
    View view = members.view();
    Manifest theirs =
        members.ask(member, new Request.State(view.self()), Manifest.class, options.answer());
    int left;
    do {
      left = replica.hold(pool.missing(theirs.union(pool.manifest())), List.of(member));
    } while (left > 0);
    List<String> ours = new ArrayList<>(pool.manifest().fileIds());
    ours.removeAll(theirs.fileIds());
    Request.Prepare prepare = new Request.Prepare(ours, view.ids());
    do {
      left = members.ask(member, prepare, Request.Prepared.class, options.answer()).remaining();
      if (left > 0) {
        LOG.info("member {} is catching up: {} versions to go", member, left);
      }
    } while (left > 0);
    load(view, member);
  }

  /** A decided manifest: the member takes it where it knows nothing more, however long that is. */
  private void load(View view, String member) {
    Request.Install install = new Request.Install(view.self(), pool.manifest(), view.ids(), false);
    for (int i = 0; i < MAX_LOADS && members.view().ids().contains(member); i++) {
      try {
        members.ask(member, install, Request.Installed.class, options.change());
        return;
      } catch (ServingException e) {
        LOG.info("member {} is loading {}: {}", member, install.manifest().epoch(), e.getMessage());
      }
    }
  }
}
