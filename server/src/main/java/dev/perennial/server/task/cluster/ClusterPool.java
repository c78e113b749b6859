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
import java.util.function.LongSupplier;
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
  private static final Duration PAUSE = Duration.ofMillis(100);

  /** How long {@link #describe} waits for the other members. */
  private static final Duration DESCRIBE = Duration.ofSeconds(2);

  private final TaskPool pool;
  private final Channel<Request> members;
  private final LocalMember local;
  private final ClusterOptions options;
  private final Readiness readiness;
  private final Replica replica;
  private final Coordinator coordinator;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final Thread tending = new Thread(this::tend, "cluster-tend");
  private final Thread beating = new Thread(this::beat, "cluster-pulse");
  private final AutoCloseable listening;
  private volatile JobFence jobs = JobFence.NONE;

  /** Something has happened that the tending thread should see. */
  @GuardedBy("this")
  private boolean stirred;

  @GuardedBy("this")
  private boolean closed;

  public ClusterPool(TaskPool pool, Members members, LocalMember local, ClusterOptions options) {
    this(pool, members, local, options, System::nanoTime);
  }

  /** With the clock that tells whether this process stood still. */
  ClusterPool(
      TaskPool pool,
      Members members,
      LocalMember local,
      ClusterOptions options,
      LongSupplier nanoTime) {
    this.pool = pool;
    this.members = new Channel<>(members, Members.Topic.POOL, Request.WIRE);
    this.local = local;
    this.options = options;
    this.readiness = new Readiness(this.members, options.standStill(), nanoTime, this::stir);
    this.replica = new Replica(pool, this.members, readiness, options);
    this.coordinator = new Coordinator(pool, this.members, replica, readiness, options);
    this.listening = pool.listen(snapshot -> stir());
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
    await(readiness::ready);
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
            readiness.trouble());
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
      readiness.requireHeard();
      return new Request.Applied(coordinator.apply(apply));
    } else if (request instanceof Request.Release release) {
      replica.release(release.versionIds());
      return new Request.Noted();
    } else if (request instanceof Request.Unready unready) {
      coordinator.hearAnew(unready.from());
      stir();
      return new Request.Noted();
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
    readiness.require();
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
        readiness.require();
      }
    }
  }

  /** This member or the coordinator is catching up, or has stood still. */
  private static boolean notReady(ServingException e) {
    return e.reason().equals(Readiness.NOT_READY);
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
    synchronized (this) {
      while (!readiness.ready() && System.nanoTime() - until < 0) {
        pause();
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
      readiness.beat();
    }
  }

  private void tend() {
    while (true) {
      try {
        tendOnce();
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
      tell();
    }
  }

  private void tendOnce() {
    View view = members.view();
    if (!view.coordinates()) {
      if (!readiness.ready()) {
        var unused = members.ask(view.coordinator(), new Request.Unready(view.self()));
      }
    } else if (!readiness.standsAside(view)) {
      coordinator.tend();
    }
  }

  private void tell() {
    for (Runnable listener : listeners) {
      try {
        listener.run();
      } catch (RuntimeException e) {
        LOG.error("a listener failed", e);
      }
    }
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

  @Override
  public boolean ready() {
    return readiness.ready();
  }

  @Override
  public AutoCloseable listen(Runnable changed) {
    listeners.add(changed);
    return () -> listeners.remove(changed);
  }

  private ClusterView.Member self(boolean withVersions) {
    View view = members.view();
    String trouble = readiness.trouble();
    long stale = readiness.rejected() + replica.rejected() + jobs.rejected();
    return local.member(
        view.self(),
        view.coordinates(),
        trouble.isEmpty(),
        trouble,
        new ClusterView.Counters(coordinator.merges(), stale, jobs.takeovers()),
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
