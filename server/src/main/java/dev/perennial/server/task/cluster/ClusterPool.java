package dev.perennial.server.task.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Members;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Cluster;
import dev.perennial.server.task.ClusterView;
import dev.perennial.server.task.Contribution;
import dev.perennial.server.task.ContributionFile;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.JobFence;
import dev.perennial.server.task.LocalMember;
import dev.perennial.server.task.PoolFile;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.PoolWriter;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One member of a cluster: its pool changes as the coordinator decides. Safe for any thread.
 *
 * <p>A change that is wanted here goes to the coordinator, wherever that is, and comes back as a
 * manifest like everybody else's. While the coordinator changes it is tried again; all changes can
 * be, as they name what shall be.
 *
 * <p>The thread {@code cluster-tend} does the coordinator's chores where this is the coordinator,
 * and keeps whether this member is ready.
 */
public final class ClusterPool implements PoolWriter, Cluster, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterPool.class);

  /** Reasons after which the coordinator may be another one soon. */
  private static final Set<String> TRY_AGAIN =
      Set.of(
          "NOT_COORDINATOR", "MEMBER_SILENT", "NOT_REPLICATED", "VERSION_NOT_FETCHED", "REJOINING");

  private static final Duration TELL = Duration.ofSeconds(10);
  private static final Duration BEAT = Duration.ofMillis(200);

  /** Times the limit of standing still, for which such a member waits to be heard. */
  private static final int ASIDE = 6;

  private static final String STOOD_STILL = "STOOD_STILL";
  private static final String NOT_READY = "NOT_READY";
  private static final Duration PAUSE = Duration.ofMillis(100);

  /** How long {@link #describe} waits for the other members. */
  private static final Duration DESCRIBE = Duration.ofSeconds(2);

  private final TaskPool pool;
  private final Channel<Request> members;
  private final LocalMember local;
  private final ClusterOptions options;
  private final Replica replica;
  private final Coordinator coordinator;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final Thread tending = new Thread(this::tend, "cluster-tend");
  private final Thread beating = new Thread(this::beat, "cluster-pulse");
  private final Pulse pulse;
  private final AutoCloseable listening;
  private volatile JobFence jobs = JobFence.NONE;

  /**
   * Until then, a member that stood still waits for a coordinator to hear it: it does not decide
   * anything itself, as it may be the only one that still believes that it should. Nano time.
   */
  @GuardedBy("this")
  private long standingAsideUntil = System.nanoTime();

  /** This member's id when it was last brought up to date; another one since then: it is not. */
  @GuardedBy("this")
  private String readyAs = "";

  @GuardedBy("this")
  private String trouble = "CATCHING_UP";

  /** Changes that were asked of this member after it had stood still. */
  @GuardedBy("this")
  private long rejected;

  /** Something has happened that the tending thread should see. */
  @GuardedBy("this")
  private boolean stirred;

  @GuardedBy("this")
  private boolean closed;

  public ClusterPool(TaskPool pool, Members members, LocalMember local, ClusterOptions options) {
    this.pool = pool;
    this.members = new Channel<>(members, Members.Topic.POOL, Request.WIRE);
    this.local = local;
    this.options = options;
    this.replica = new Replica(pool, this.members, options);
    this.coordinator = new Coordinator(pool, this.members, replica, options, this::requireReady);
    replica.onTrouble(this::trouble);
    this.listening = pool.listen(snapshot -> stir());
    this.pulse = new Pulse(options.standStill(), System::nanoTime);
    this.members.answer(this::answer);
    members.listen(this::stir);
    tending.setDaemon(true);
    beating.setDaemon(true);
  }

  /**
   * Waits until this member has caught up with the others, and they with what only it knows. Throws
   * UNAVAILABLE where it is closed or interrupted before.
   */
  public void start() {
    await(() -> members.view().ids().size() >= options.startSize());
    replica.repair(members.view().others());
    pool.install(pool.manifest());
    tending.start();
    beating.start();
    await(this::ready);
    LOG.info("caught up at epoch {}", pool.manifest().epoch());
  }

  private synchronized void await(BooleanSupplier condition) {
    long since = System.nanoTime();
    long told = since;
    while (!condition.getAsBoolean()) {
      pause();
      if (System.nanoTime() - told > TELL.toNanos()) {
        told = System.nanoTime();
        LOG.info(
            "waiting since {} with {} members: {}",
            Duration.ofNanos(told - since),
            members.view().ids().size(),
            trouble);
      }
    }
  }

  /** From now on, a change of a job is applied only where this agrees. */
  public void fencedBy(JobFence fence) {
    jobs = fence;
    coordinator.fencedBy(fence);
  }

  /** From now on, an installed epoch is answered once the devices have it. */
  public void servedBy(LongFunction<CompletableFuture<Void>> installed) {
    replica.servedBy(installed);
  }

  private byte[] answer(Request request) {
    if (request instanceof Request.Fetch fetch) {
      return Wire.bytes(replica.fetch(fetch));
    }
    return Wire.answer(record(request));
  }

  private Object record(Request request) {
    if (request instanceof Request.State state) {
      return replica.state(state);
    } else if (request instanceof Request.Prepare prepare) {
      return replica.prepare(prepare);
    } else if (request instanceof Request.Install install) {
      return replica.install(install);
    } else if (request instanceof Request.Apply apply) {
      requireReady();
      return new Request.Applied(coordinator.apply(apply));
    } else if (request instanceof Request.Release release) {
      replica.release(release.versionIds());
      return new Request.Prepared(0);
    } else if (request instanceof Request.Describe describe) {
      return self(describe.withVersions());
    }
    throw new IllegalArgumentException("request: " + request.getClass());
  }

  @Override
  public PoolSnapshot snapshot() {
    return pool.snapshot();
  }

  @Override
  public PoolSnapshot publish(ByteBuffer file) {
    return submit(Request.Apply.Kind.PUBLISH, TaskVersionFile.read(file.duplicate()), file);
  }

  @Override
  public PoolSnapshot contribute(ByteBuffer file) {
    return submit(Request.Apply.Kind.CONTRIBUTE, PoolFile.read(file), file);
  }

  @Override
  public PoolSnapshot publish(TaskVersion version, Fence fence) {
    ByteBuffer bytes = ByteBuffer.wrap(TaskVersionFile.write(version));
    return submit(Request.Apply.Kind.PUBLISH, version, bytes, fence);
  }

  @Override
  public PoolSnapshot contribute(Contribution contribution, Fence fence) {
    ByteBuffer bytes = ByteBuffer.wrap(ContributionFile.write(contribution));
    return submit(Request.Apply.Kind.CONTRIBUTE, contribution, bytes, fence);
  }

  private PoolSnapshot submit(Request.Apply.Kind kind, PoolFile file, ByteBuffer bytes) {
    return submit(kind, file, bytes, Fence.NONE);
  }

  private PoolSnapshot submit(
      Request.Apply.Kind kind, PoolFile file, ByteBuffer bytes, Fence fence) {
    awaitReady();
    pool.requireFits(file);
    String id = pool.hold(bytes);
    try {
      return submit(kind, file.task(), id, fence);
    } finally {
      pool.release(id); // where a manifest names it, it is held no more
    }
  }

  @Override
  public PoolSnapshot delete(String task) {
    return submit(Request.Apply.Kind.DELETE, task, "");
  }

  @Override
  public PoolSnapshot withdraw(String task, String contributionId) {
    return submit(Request.Apply.Kind.WITHDRAW, task, contributionId);
  }

  @Override
  public PoolSnapshot activate(String task, String versionId) {
    if (pool.manifest().versions(task).contains(versionId)) {
      pool.loadForService(task, versionId);
    }
    return submit(Request.Apply.Kind.ACTIVATE, task, versionId);
  }

  private PoolSnapshot submit(Request.Apply.Kind kind, String task, String versionId) {
    return submit(kind, task, versionId, Fence.NONE);
  }

  private PoolSnapshot submit(Request.Apply.Kind kind, String task, String versionId, Fence fence) {
    requireReady();
    long until = System.nanoTime() + options.change().toNanos();
    boolean again = false;
    while (true) {
      try {
        return await(apply(kind, task, versionId, fence, until), until);
      } catch (ServingException e) {
        if (again && kind.removes() && e.code() == ErrorCode.NOT_FOUND) {
          return pool.snapshot(); // the first try has done it
        }
        boolean soon = TRY_AGAIN.contains(e.reason()) || (kind.bringsFile() && notReady(e));
        if (!soon || System.nanoTime() - until > 0) {
          throw e;
        }
        LOG.info("{} of task {} is tried again: {}", kind, task, e.getMessage());
        again = true;
        synchronized (this) {
          requireOpen();
          pause();
        }
        if (kind.bringsFile()) {
          awaitReady();
        }
        requireReady();
      }
    }
  }

  /** This member or the coordinator is catching up, or has stood still. */
  private static boolean notReady(ServingException e) {
    return e.reason().equals(NOT_READY);
  }

  private long apply(
      Request.Apply.Kind kind, String task, String versionId, Fence fence, long until) {
    View view = members.view();
    Request.Apply request = new Request.Apply(view.self(), kind, task, versionId, fence);
    if (view.coordinates()) {
      return coordinator.apply(request);
    }
    Duration left = Duration.ofNanos(Math.max(1, until - System.nanoTime()));
    return members.ask(view.coordinator(), request, Request.Applied.class, left).epoch();
  }

  /** This member has a decided epoch as soon as the others have, or shortly after. */
  private synchronized PoolSnapshot await(long epoch, long until) {
    while (pool.snapshot().epoch() < epoch) {
      requireOpen();
      if (System.nanoTime() - until > 0) {
        throw ServingException.unavailable(
            "BEHIND",
            "epoch here: " + pool.snapshot().epoch() + " (expected: " + epoch + ", as decided)",
            Duration.ofSeconds(1));
      }
      pause();
    }
    return pool.snapshot();
  }

  /** What took long to make is not given up because this member is catching up just now. */
  private void awaitReady() {
    long until = System.nanoTime() + options.change().toNanos();
    notice();
    synchronized (this) {
      while (!readyNow() && System.nanoTime() - until < 0) {
        pause();
      }
    }
  }

  private void requireReady() {
    notice();
    if (!ready()) {
      synchronized (this) {
        rejected += trouble.equals(STOOD_STILL) ? 1 : 0;
        throw ServingException.unavailable(
            NOT_READY,
            "this member: " + (trouble.isEmpty() ? "CATCHING_UP" : trouble) + " (expected: ready)",
            Duration.ofSeconds(1));
      }
    }
  }

  @GuardedBy("this")
  private void requireOpen() {
    if (closed) {
      throw new ServingException(
          ErrorCode.UNAVAILABLE, "POOL_CLOSED", "cluster: left (expected: a member)");
    }
  }

  @SuppressWarnings("WaitNotInLoop") // whoever pauses looks again
  @GuardedBy("this")
  private void pause() {
    requireOpen();
    try {
      wait(PAUSE.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ServingException(ErrorCode.UNAVAILABLE, "INTERRUPTED", "cluster: interrupted", e);
    }
  }

  private void beat() {
    while (true) {
      synchronized (this) {
        try {
          wait(BEAT.toMillis());
        } catch (InterruptedException e) {
          return;
        }
        if (closed) {
          return;
        }
      }
      notice();
    }
  }

  /** Sees whether this process stood still while the others went on. */
  private void notice() {
    if (pulse.stoodStill()) {
      LOG.warn("this process stood still for more than {}", options.standStill());
      stoodStill();
    }
  }

  /**
   * Changes nothing from now on before a coordinator has heard this member anew: manifests that
   * were on their way when it stopped are refused, and what was going on then does not end that.
   */
  void stoodStill() {
    standAside();
    replica.forget();
    standAside(); // a manifest may have been installed in between
  }

  private synchronized void standAside() {
    standingAsideUntil = System.nanoTime() + ASIDE * options.standStill().toNanos();
    trouble = STOOD_STILL;
    stir();
  }

  @GuardedBy("this")
  private boolean standsAside() {
    return trouble.equals(STOOD_STILL) && System.nanoTime() - standingAsideUntil < 0;
  }

  private void tend() {
    while (true) {
      try {
        if (!tendingWaits() && coordinator.tend() && !tendingWaits()) {
          trouble("");
        }
      } catch (ServingException e) {
        LOG.info("members are not at one state yet: {}", e.getMessage());
      } catch (RuntimeException e) {
        LOG.error("tending the members failed", e);
      }
      synchronized (this) {
        if (closed || !awaitStir()) {
          return;
        }
      }
      listeners.forEach(Runnable::run);
    }
  }

  private synchronized boolean tendingWaits() {
    return standsAside();
  }

  /** False where the thread shall end. */
  @SuppressWarnings("WaitNotInLoop") // to tend once too often does no harm
  @GuardedBy("this")
  private boolean awaitStir() {
    try {
      if (!stirred) {
        wait(options.tend().toMillis());
      }
      stirred = false;
      return !closed;
    } catch (InterruptedException e) {
      return false;
    }
  }

  private synchronized void stir() {
    stirred = true;
    notifyAll();
  }

  /** An empty text: this member has what the coordinator has decided. */
  private synchronized void trouble(String what) {
    if (standsAside() && !what.isEmpty()) {
      return; // it has the greater one
    }
    boolean changed = !trouble.equals(what);
    trouble = what;
    if (what.isEmpty()) {
      changed |= !readyNow();
      try {
        readyAs = members.view().self();
      } catch (ServingException e) {
        readyAs = "";
      }
    }
    if (changed) {
      LOG.info("this member: {}", what.isEmpty() ? "ready" : what);
      stir();
    }
  }

  @Override
  public synchronized boolean ready() {
    return readyNow();
  }

  @GuardedBy("this")
  private boolean readyNow() {
    try {
      return trouble.isEmpty() && readyAs.equals(members.view().self());
    } catch (ServingException e) {
      return false; // on the way from one group to another
    }
  }

  @Override
  public AutoCloseable listen(Runnable changed) {
    listeners.add(changed);
    return () -> listeners.remove(changed);
  }

  private ClusterView.Member self(boolean withVersions) {
    View view = members.view();
    String why;
    boolean ready;
    long stale;
    synchronized (this) {
      stale = rejected + replica.rejected();
      ready = readyNow();
      why = trouble;
    }
    return local.member(
        view.self(),
        view.coordinates(),
        ready,
        why,
        new ClusterView.Counters(coordinator.merges(), stale + jobs.rejected(), jobs.takeovers()),
        withVersions);
  }

  @Override
  public ClusterView describe(boolean withVersions) {
    View view = members.view();
    Request request = new Request.Describe(withVersions);
    Map<String, CompletableFuture<byte[]>> answers = new HashMap<>();
    for (String member : view.others()) {
      answers.put(member, members.ask(member, request));
    }
    long until = System.nanoTime() + DESCRIBE.toNanos();
    List<ClusterView.Member> described = new ArrayList<>();
    for (String member : view.ids()) {
      CompletableFuture<byte[]> answer = answers.get(member);
      described.add(
          answer == null
              ? self(withVersions)
              : described(member, answer, Duration.ofNanos(until - System.nanoTime())));
    }
    return new ClusterView(described);
  }

  private static ClusterView.Member described(
      String member, CompletableFuture<byte[]> answer, Duration timeout) {
    try {
      return Wire.read(Answers.await(member, answer, timeout), ClusterView.Member.class);
    } catch (ServingException e) {
      return new ClusterView.Member(
          member,
          "",
          "",
          "",
          false,
          false,
          false,
          e.reason(),
          0,
          "",
          0,
          0,
          List.of(),
          List.of(),
          ClusterView.Counters.NONE);
    }
  }

  /** Leaves the others to themselves; what waits here fails. Twice is fine. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    tending.interrupt();
    try {
      listening.close();
    } catch (Exception e) {
      throw new IllegalStateException("pool listener cannot be closed", e);
    }
  }
}
