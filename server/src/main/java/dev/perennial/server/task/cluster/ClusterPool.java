package dev.perennial.server.task.cluster;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Members;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.cluster.Wire;
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
import dev.perennial.server.task.cluster.Request.Apply.Kind;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
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
 * <p>A change that is wanted here goes to the coordinator ({@link Submission}), and comes back as a
 * manifest like everybody else's ({@link Replica}). Who decides is the oldest ({@link
 * Coordinator}); whether this member may take part, {@link Readiness}.
 *
 * <p>The thread {@code cluster-tend} does the coordinator's chores where this is the coordinator,
 * and asks it to hear this member where it is not ready.
 */
public final class ClusterPool implements PoolWriter, Cluster, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterPool.class);

  private static final Duration TELL = Duration.ofSeconds(10);
  private static final Duration BEAT = Duration.ofMillis(200);

  private final TaskPool pool;
  private final Channel<Request> members;
  private final LocalMember local;
  private final ClusterOptions options;
  private final Readiness readiness;
  private final Replica replica;
  private final Coordinator coordinator;
  private final Submission changes;
  private final Wakeup wakeup;
  private final Wakeup pulse = new Wakeup(BEAT);
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final Thread tending = new Thread(this::tend, "cluster-tend");
  private final Thread beating = new Thread(this::beat, "cluster-pulse");
  private final AutoCloseable listening;
  private volatile JobFence jobs = JobFence.NONE;

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
    this.wakeup = new Wakeup(options.tend());
    this.readiness = new Readiness(this.members, options.standStill(), nanoTime, wakeup::news);
    this.replica = new Replica(pool, this.members, readiness, options);
    this.coordinator = new Coordinator(pool, this.members, replica, readiness, options);
    this.changes = new Submission(pool, this.members, coordinator, readiness, wakeup, options);
    this.listening = pool.listen(snapshot -> wakeup.news());
    this.members.answer(this::answer);
    members.listen(wakeup::news);
    tending.setDaemon(true);
    beating.setDaemon(true);
  }

  /**
   * Waits until this member has caught up with the others, and they with what only it knows. Throws
   * UNAVAILABLE where it is closed or interrupted before.
   */
  public void start() {
    await(() -> present().size() >= options.startSize());
    replica.repair(present());
    pool.install(pool.manifest());
    tending.start();
    beating.start();
    await(readiness::ready);
    LOG.info("caught up at epoch {}", pool.manifest().epoch());
  }

  private void await(BooleanSupplier condition) {
    long since = System.nanoTime();
    long told = since;
    while (!condition.getAsBoolean()) {
      wakeup.pause();
      if (System.nanoTime() - told > TELL.toNanos()) {
        told = System.nanoTime();
        LOG.info(
            "waiting since {} with {} members: {}",
            Duration.ofNanos(told - since),
            present().size(),
            readiness.trouble());
      }
    }
  }

  /** The members; none while this one is on its way from one group to another. */
  private List<String> present() {
    try {
      return members.view().ids();
    } catch (ServingException e) {
      return List.of();
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
      wakeup.stir();
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
    return changes.submit(Kind.PUBLISH, TaskVersionFile.read(file.duplicate()), file, Fence.NONE);
  }

  @Override
  public PoolSnapshot contribute(ByteBuffer file) {
    return changes.submit(Kind.CONTRIBUTE, PoolFile.read(file), file, Fence.NONE);
  }

  @Override
  public PoolSnapshot publish(TaskVersion version, Fence fence) {
    ByteBuffer bytes = ByteBuffer.wrap(TaskVersionFile.write(version));
    return changes.submit(Kind.PUBLISH, version, bytes, fence);
  }

  @Override
  public PoolSnapshot contribute(Contribution contribution, Fence fence) {
    ByteBuffer bytes = ByteBuffer.wrap(ContributionFile.write(contribution));
    return changes.submit(Kind.CONTRIBUTE, contribution, bytes, fence);
  }

  @Override
  public PoolSnapshot delete(String task) {
    return changes.submit(Kind.DELETE, task, "");
  }

  @Override
  public PoolSnapshot withdraw(String task, String contributionId) {
    return changes.submit(Kind.WITHDRAW, task, contributionId);
  }

  @Override
  public PoolSnapshot activate(String task, String versionId) {
    if (pool.manifest().versions(task).contains(versionId)) {
      pool.loadForService(task, versionId);
    }
    return changes.submit(Kind.ACTIVATE, task, versionId);
  }

  private void beat() {
    while (pulse.awaitStir()) {
      readiness.beat();
    }
  }

  private void tend() {
    tendOnce();
    while (wakeup.awaitStir()) {
      tell(); // what has changed; to tend may take long
      tendOnce();
    }
  }

  private void tendOnce() {
    try {
      View view = members.view();
      if (view.coordinates()) {
        coordinator.tend();
      } else if (!readiness.ready()) {
        var unused = members.ask(view.coordinator(), new Request.Unready(view.self()));
      }
    } catch (ServingException e) {
      LOG.info("members are not at one state yet: {}", e.getMessage());
    } catch (RuntimeException e) {
      LOG.error("tending the members failed", e);
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
        new ClusterView.Counters(
            coordinator.merges(),
            stale,
            jobs.takeovers(),
            coordinator.changes(),
            coordinator.catchUps()),
        withVersions);
  }

  @Override
  public ClusterView describe(boolean withVersions) {
    return Census.take(members, self(withVersions), new Request.Describe(withVersions));
  }

  /** Leaves the others to themselves; what waits here fails. Twice is fine. */
  @Override
  public void close() {
    wakeup.close();
    pulse.close();
    tending.interrupt();
    try {
      listening.close();
    } catch (Exception e) {
      throw new IllegalStateException("pool listener cannot be closed", e);
    }
  }
}
