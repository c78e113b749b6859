package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Members;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.JobFence;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.JobPeers;
import dev.perennial.server.training.LocalJobs;
import dev.perennial.server.training.TrainingJob;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One member's part in the jobs of a cluster. Safe for any thread.
 *
 * <p>Whatever this member works on ({@link OwnedJobs}) has a {@link Mirror} on a second disk. What
 * it has copies of it asks for once their owner has left the view ({@link Takeover}); the oldest
 * member grants that ({@link JobRegistry}). So a takeover, a restart and an upload that goes on
 * elsewhere are one thing: a copy that is adopted. How jobs are is told to all members ({@link
 * JobBroadcast}), who answer for them from memory.
 *
 * <p>The thread {@code training-tend} asks for copies, looks after mirrors and tells.
 */
public final class ClusterJobs implements JobPeers, JobFence, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterJobs.class);
  private static final int COPY_THREADS = 8;
  private static final Duration ANSWER = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final Duration TEND = Duration.ofMillis(500);
  private static final Duration CANCEL = Duration.ofSeconds(30);
  private static final long AGAIN_MILLIS = 100;

  private final Channel<JobQuestion> members;
  private final ScheduledThreadPoolExecutor threads =
      new ScheduledThreadPoolExecutor(COPY_THREADS, ClusterJobs::copyThread);
  private final Thread tending = new Thread(this::tend, "training-tend");
  private final Wakeup wakeup = new Wakeup(TEND);
  private final OwnedJobs owned;
  private final JobRegistry registry;
  private final RegistryClient coordinator;
  private final JobBroadcast broadcast;
  private final Takeover takeover;
  private final RequestLookup requests;
  private final CopyDrops drops;
  private final LostJobs lost;

  private volatile @Nullable LocalJobs local;

  /** This member's id when it tended last; the tending thread's. */
  private String tendedAs = "";

  public ClusterJobs(Members members) {
    this.members = new Channel<>(members, Members.Topic.TRAINING, JobQuestion.WIRE);
    this.owned = new OwnedJobs(this::local, this.members, threads, wakeup);
    this.registry = new JobRegistry(this.members, owned, id -> local().ended(id));
    this.coordinator = new RegistryClient(this.members, registry);
    this.broadcast = new JobBroadcast(this.members, owned, wakeup);
    this.takeover = new Takeover(this.members, this::local, owned, broadcast, coordinator, wakeup);
    this.requests = new RequestLookup(this.members, this::local, owned, takeover, wakeup);
    this.drops = new CopyDrops(this.members);
    this.lost = new LostJobs(this.members, this::local, owned, broadcast);
    tending.setDaemon(true);
    members.listen(wakeup::news);
    JobAnswers answers = new JobAnswers(this::local, owned, takeover, broadcast, registry, wakeup);
    this.members.answer(answers::answer);
  }

  private static Thread copyThread(Runnable task) {
    Thread thread = new Thread(task, "training-copy");
    thread.setDaemon(true);
    return thread;
  }

  @Override
  public boolean alone() {
    return false;
  }

  @Override
  public void start(LocalJobs jobs) {
    local = jobs;
    tending.start();
  }

  @Override
  public long takeovers() {
    return registry.counters().takeovers();
  }

  @Override
  public long rejected() {
    return registry.counters().rejected();
  }

  @Override
  public void require(Fence fence, String from) {
    registry.require(fence, from);
  }

  private LocalJobs local() {
    LocalJobs jobs = local;
    if (jobs == null) {
      throw ServingException.unavailable(
          JobRegistry.STARTING, "this member: starting (expected: started)", PATIENCE);
    }
    return jobs;
  }

  @Override
  public void opened(String id) {
    owned.open(id);
  }

  @Override
  public CompletableFuture<Void> copied(String id) {
    Mirror mirror = owned.mirror(id);
    return mirror == null
        ? CompletableFuture.failedFuture(
            new ServingException(
                ErrorCode.UNAVAILABLE, CLOSING, id + ": not this member's (expected: its own)"))
        : mirror.copied();
  }

  @Override
  public CompletableFuture<TrainingJob> register(TrainingJob job) {
    CompletableFuture<TrainingJob> registered = new CompletableFuture<>();
    var unused =
        copied(job.jobId())
            .whenComplete(
                (copied, e) -> {
                  if (e == null) {
                    schedule(() -> register(job, registered), 0, registered);
                  } else {
                    registered.completeExceptionally(e);
                  }
                });
    return registered;
  }

  /** Tries until a coordinator has answered: the job is there, whoever asks for it. */
  private void register(TrainingJob job, CompletableFuture<TrainingJob> registered) {
    try {
      byte[] bytes = JobJson.write(job, false);
      String id = coordinator.register(owned.token(job.jobId()), bytes).jobId();
      if (id.equals(job.jobId())) {
        owned.registered(id);
        broadcast.tellNow(bytes);
        registered.complete(job);
      } else {
        registered.complete(requests.job(job.spec().requestId(), id));
      }
    } catch (ServingException e) {
      LOG.info("job {}: registered again soon: {}", job.jobId(), e.getMessage());
      schedule(() -> register(job, registered), AGAIN_MILLIS, registered);
    }
  }

  private void schedule(Runnable work, long millis, CompletableFuture<?> failing) {
    try {
      var unused = threads.schedule(work, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      failing.completeExceptionally(
          new ServingException(ErrorCode.UNAVAILABLE, CLOSING, "this member: closing", e));
    }
  }

  @Override
  public long token(String jobId) {
    return owned.token(jobId);
  }

  @Override
  public void doubt(String jobId) {
    owned.doubt(jobId);
  }

  @Override
  public void changed() {
    wakeup.stir();
  }

  @Override
  public void dropped(String id) {
    Mirror mirror = owned.release(id);
    if (mirror != null && !local().ended(id)) { // of its end all are told, and delete their copies
      drops.add(id, mirror.lease().token());
      wakeup.stir();
    }
  }

  @Override
  public void fetch(String requestId) {
    requests.fetch(requestId);
  }

  @Override
  public Optional<TrainingJob> cancel(String jobId) {
    long until = System.nanoTime() + CANCEL.toNanos();
    while (!owned.has(jobId)) {
      if (local().ended(jobId)) {
        return Optional.empty();
      }
      try {
        String owner = broadcast.owner(jobId).orElseThrow(() -> nobodyWorksOn(jobId));
        JobQuestion.Cancel cancel = new JobQuestion.Cancel(jobId);
        byte[] job = members.ask(owner, cancel, JobQuestion.Job.class, ANSWER).job();
        return Optional.of(JobJson.read(job).job());
      } catch (ServingException e) {
        if (e.code() != ErrorCode.UNAVAILABLE || System.nanoTime() - until > 0) {
          throw e;
        }
        endIfLost(jobId);
      }
    }
    return Optional.empty();
  }

  private void endIfLost(String jobId) {
    try {
      lost.end(jobId);
    } catch (ServingException e) {
      LOG.info("job {}: not known whether it is lost: {}", jobId, e.getMessage());
    }
    if (!local().ended(jobId)) {
      wakeup.pause();
    }
  }

  private static ServingException nobodyWorksOn(String jobId) {
    return ServingException.unavailable(
        "JOB_WAITS", "job " + jobId + ": no member works on it yet (expected: one soon)", PATIENCE);
  }

  private void tend() {
    while (wakeup.awaitStir()) {
      try {
        noticeNewId();
        takeover.settleDoubts();
        takeover.claimCopies();
        takeover.deleteOrphans();
        drops.send();
        owned.lookForTwins();
        local().goOn();
        broadcast.tellChanges();
      } catch (ServingException e) {
        LOG.info("jobs are not tended: {}", e.getMessage());
      } catch (RuntimeException e) {
        LOG.error("tending the jobs failed", e);
      }
    }
  }

  /** A member that was given up has another id when it is back, and owns nothing under it yet. */
  private void noticeNewId() {
    String self = members.view().self();
    if (!tendedAs.equals(self)) {
      tendedAs = self;
      owned.doubtAll();
      broadcast.restart();
    }
  }

  /** Stops; what waits for copies or pauses fails. Twice is fine. */
  @Override
  public void close() {
    wakeup.close();
    owned.close();
    threads.shutdownNow();
  }
}
