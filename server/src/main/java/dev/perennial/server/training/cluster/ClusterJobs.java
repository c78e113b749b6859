package dev.perennial.server.training.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Members;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.JobFence;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.JobPeers;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs;
import dev.perennial.server.training.LocalJobs.Held;
import dev.perennial.server.training.TrainingJob;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One member's part in the jobs of a cluster. Safe for any thread.
 *
 * <p>Whatever this member works on has a {@link Mirror} on a second disk. What it has copies of it
 * asks for once their owner has left the view; the oldest member grants that ({@link JobRegistry}).
 * So a takeover, a restart and an upload that goes on elsewhere are one thing: a copy that is
 * adopted. How jobs are is told to all members, who answer for them from memory.
 *
 * <p>The thread {@code training-tend} asks for copies, looks after mirrors and tells.
 */
public final class ClusterJobs implements JobPeers, JobFence, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ClusterJobs.class);
  private static final int COPY_THREADS = 8;
  private static final Duration ANSWER = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final Duration FETCH = Duration.ofSeconds(30);
  private static final long TEND_MILLIS = 500;
  private static final long PAUSE_MILLIS = 100;

  private final Channel<JobQuestion> members;
  private final JobRegistry registry;
  private final ScheduledThreadPoolExecutor threads;
  private final Thread tending = new Thread(this::tend, "training-tend");

  /** What this member works on. */
  private final Map<String, Mirror> owned = new ConcurrentHashMap<>();

  /** What it is not sure of: another member may have it. */
  private final Set<String> doubted = ConcurrentHashMap.newKeySet();

  /** Of those, what the coordinator does not know as its request's job: nobody is told of it. */
  private final Set<String> unregistered = ConcurrentHashMap.newKeySet();

  /** Who has offered each copy. */
  private final Map<String, String> offeredBy = new ConcurrentHashMap<>();

  /** Who last told of each unfinished job. */
  private final Map<String, String> toldBy = new ConcurrentHashMap<>();

  /** What each member was told last; the tending thread's. */
  private final Map<String, Map<String, TrainingJob>> told = new HashMap<>();

  private volatile @Nullable LocalJobs local;

  /** Held while a copy becomes this member's own, and while it is looked what it has. */
  private final Object adopting = new Object();

  /**
   * One round of claims at a time. Not the monitor: a job that changes its state stirs this object
   * under the lock that an adopted job needs.
   */
  private final Object claiming = new Object();

  @GuardedBy("this")
  private String ownedAs = "";

  @GuardedBy("this")
  private boolean stirred;

  @GuardedBy("this")
  private boolean closed;

  public ClusterJobs(Members members) {
    this.members = new Channel<>(members, Members.Topic.TRAINING, JobQuestion.WIRE);
    this.registry = new JobRegistry(this.members, this::heard, id -> local().ended(id));
    this.threads =
        new ScheduledThreadPoolExecutor(
            COPY_THREADS,
            task -> {
              Thread thread = new Thread(task, "training-copy");
              thread.setDaemon(true);
              return thread;
            });
    tending.setDaemon(true);
    members.listen(this::stir);
    this.members.answer(this::answer);
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

  // Answers.

  private byte[] answer(JobQuestion question) {
    return Wire.answer(record(question));
  }

  private Object record(JobQuestion question) {
    LocalJobs jobs = local();
    if (question instanceof JobQuestion.Offer offer) {
      requireNotOwned(offer.id(), offer.lease());
      offeredBy.put(offer.id(), offer.from());
      return new JobQuestion.Copied(jobs.openCopy(offer.id(), offer.lease()));
    } else if (question instanceof JobQuestion.Append append) {
      return new JobQuestion.Copied(
          jobs.appendCopy(append.id(), append.lease(), append.offset(), append.bytes()));
    } else if (question instanceof JobQuestion.Put put) {
      jobs.putCopy(put.id(), put.lease(), put.name(), put.bytes());
      return new JobQuestion.Done();
    } else if (question instanceof JobQuestion.Drop drop) {
      jobs.dropCopy(drop.id(), drop.token());
      return new JobQuestion.Done();
    } else if (question instanceof JobQuestion.Hear) {
      return heard();
    } else if (question instanceof JobQuestion.Find find) {
      return found(jobs, find.requestId());
    } else if (question instanceof JobQuestion.Tell tell) {
      return learn(jobs, tell);
    } else if (question instanceof JobQuestion.Claim claim) {
      return registry.claim(claim);
    } else if (question instanceof JobQuestion.Register register) {
      return registry.register(register, JobJson.read(register.job()).job());
    } else if (question instanceof JobQuestion.Release release) {
      registry.release(release);
      return new JobQuestion.Done();
    } else if (question instanceof JobQuestion.HandOver over) {
      handOver(jobs, over);
      return new JobQuestion.Done();
    } else if (question instanceof JobQuestion.Cancel cancel) {
      return new JobQuestion.Job(JobJson.write(jobs.cancel(cancel.jobId()), false));
    }
    throw new IllegalArgumentException("question: " + question.getClass());
  }

  private void requireNotOwned(String id, Lease lease) {
    Mirror mirror = owned.get(id);
    if (mirror != null) {
      doubt(id);
      throw new ServingException(
          mirror.lease().token() < lease.token()
              ? ErrorCode.UNAVAILABLE
              : ErrorCode.FAILED_PRECONDITION,
          mirror.lease().token() < lease.token() ? "STILL_OWNED" : "OTHER_LEASE",
          "copy of " + id + ": this member works on it (expected: another member)");
    }
  }

  private List<TrainingJob> registered(LocalJobs jobs) {
    return jobs.jobs().stream().filter(job -> !unregistered.contains(job.jobId())).toList();
  }

  private JobQuestion.Heard heard() {
    LocalJobs jobs = local();
    List<Held> held = new ArrayList<>();
    for (String id : owned.keySet()) {
      jobs.held(id).ifPresent(held::add);
    }
    Map<String, String> requests = new HashMap<>();
    for (TrainingJob job : registered(jobs)) {
      requests.put(job.spec().requestId(), job.jobId());
    }
    return new JobQuestion.Heard(held, requests);
  }

  private JobQuestion.Found found(LocalJobs jobs, String requestId) {
    synchronized (adopting) {
      return foundNow(jobs, requestId);
    }
  }

  private JobQuestion.Found foundNow(LocalJobs jobs, String requestId) {
    List<Held> mine = new ArrayList<>();
    for (String id : owned.keySet()) {
      jobs.held(id).filter(held -> held.requestId().equals(requestId)).ifPresent(mine::add);
    }
    List<Held> copies =
        jobs.copies().stream().filter(held -> held.requestId().equals(requestId)).toList();
    List<byte[]> job =
        registered(jobs).stream()
            .filter(known -> known.spec().requestId().equals(requestId))
            .map(known -> JobJson.write(known, false))
            .toList();
    return new JobQuestion.Found(mine, copies, job);
  }

  private JobQuestion.Done learn(LocalJobs jobs, JobQuestion.Tell tell) {
    TrainingJob job = JobJson.read(tell.job()).job();
    if (!jobs.learn(job)) {
      doubt(job.jobId());
      throw ServingException.unavailable(
          "OWNED_HERE", "job " + job.jobId() + ": this member's (expected: another's)", PATIENCE);
    }
    if (job.state().ended()) {
      toldBy.remove(job.jobId());
      offeredBy.remove(job.jobId());
    } else {
      toldBy.put(job.jobId(), tell.from());
    }
    return new JobQuestion.Done();
  }

  private void handOver(LocalJobs jobs, JobQuestion.HandOver over) {
    Mirror mirror = owned.get(over.id());
    Optional<Held> held = jobs.held(over.id());
    if (mirror == null || held.isEmpty() || held.get().committed()) {
      return; // whoever asked looks again
    }
    if (jobs.detach(held.get().requestId()).isEmpty()) {
      return;
    }
    Answers.await(over.to(), mirror.copiedTo(over.to()).thenApply(copied -> new byte[0]), FETCH);
    owned.remove(over.id());
    mirror.close();
    offeredBy.put(over.id(), over.to());
    jobs.handOver(over.id());
    View view = members.view();
    atCoordinator(view, new JobQuestion.Release(view.self(), over.id()), JobQuestion.Done.class);
    LOG.info("upload {}: goes on at member {}", over.id(), over.to());
  }

  private <T> T atCoordinator(View view, JobQuestion question, Class<T> kind) {
    return view.coordinates()
        ? kind.cast(record(question))
        : members.ask(view.coordinator(), question, kind, FETCH);
  }

  // What training asks for.

  @Override
  public void opened(String id) {
    unregistered.add(id);
    own(id, new Lease(1, 0, false));
  }

  private Mirror own(String id, Lease lease) {
    return owned.computeIfAbsent(
        id, any -> new Mirror(id, lease, local(), members, threads, () -> doubt(id)));
  }

  @Override
  public CompletableFuture<Void> copied(String id) {
    Mirror mirror = owned.get(id);
    return mirror == null ? CompletableFuture.completedFuture(null) : mirror.copied();
  }

  @Override
  public CompletableFuture<TrainingJob> register(TrainingJob job) {
    CompletableFuture<TrainingJob> registered = new CompletableFuture<>();
    var unused =
        copied(job.jobId())
            .whenComplete(
                (copied, e) -> {
                  if (e == null) {
                    threads.execute(() -> register(job, registered));
                  } else {
                    registered.completeExceptionally(e);
                  }
                });
    return registered;
  }

  /** Tries until a coordinator has answered: the job is there, whoever asks for it. */
  private void register(TrainingJob job, CompletableFuture<TrainingJob> registered) {
    try {
      View view = members.view();
      byte[] bytes = JobJson.write(job, false);
      JobQuestion.Register question =
          new JobQuestion.Register(view.self(), token(job.jobId()), bytes);
      String id = atCoordinator(view, question, JobQuestion.Registered.class).jobId();
      if (id.equals(job.jobId())) {
        unregistered.remove(id);
        tell(view, bytes);
        registered.complete(job);
      } else {
        registered.complete(find(job.spec().requestId(), id));
      }
    } catch (ServingException e) {
      LOG.info("job {}: registered again soon: {}", job.jobId(), e.getMessage());
      again(() -> register(job, registered), registered);
    }
  }

  private void again(Runnable work, CompletableFuture<?> failing) {
    try {
      var unused = threads.schedule(work, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      failing.completeExceptionally(
          new ServingException(ErrorCode.UNAVAILABLE, "CLOSING", "this member: closing", e));
    }
  }

  /** All that answer soon know the job before its caller does. */
  private void tell(View view, byte[] job) {
    List<CompletableFuture<byte[]>> answers = new ArrayList<>();
    for (String member : view.others()) {
      answers.add(members.ask(member, new JobQuestion.Tell(view.self(), job)));
    }
    try {
      CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
          .get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.debug("not all members know a job yet", e);
    }
  }

  private TrainingJob find(String requestId, String jobId) {
    for (JobQuestion.Found found : findAll(requestId)) {
      for (byte[] bytes : found.job()) {
        TrainingJob job = JobJson.read(bytes).job();
        if (job.jobId().equals(jobId)) {
          return job;
        }
      }
    }
    throw ServingException.unavailable(
        "JOB_NOT_HEARD", "job " + jobId + ": no member tells of it now", PATIENCE);
  }

  private Map<String, JobQuestion.Found> findByMember(String requestId) {
    View view = members.view();
    Map<String, CompletableFuture<byte[]>> answers = new HashMap<>();
    for (String member : view.others()) {
      answers.put(member, members.ask(member, new JobQuestion.Find(requestId)));
    }
    Map<String, JobQuestion.Found> found = new HashMap<>();
    answers.forEach(
        (member, answer) -> {
          try {
            found.put(
                member, Wire.read(Answers.await(member, answer, ANSWER), JobQuestion.Found.class));
          } catch (ServingException e) {
            LOG.info("member {} does not tell of a request: {}", member, e.getMessage());
          }
        });
    found.put(view.self(), found(local(), requestId));
    return found;
  }

  private List<JobQuestion.Found> findAll(String requestId) {
    return List.copyOf(findByMember(requestId).values());
  }

  @Override
  public long token(String jobId) {
    Mirror mirror = owned.get(jobId);
    return mirror == null ? 0 : mirror.lease().token();
  }

  @Override
  public void doubt(String jobId) {
    if (owned.containsKey(jobId)) {
      doubted.add(jobId);
      stir();
    }
  }

  @Override
  public void changed() {
    stir();
  }

  @Override
  public void dropped(String id) {
    Mirror mirror = owned.remove(id);
    doubted.remove(id);
    unregistered.remove(id);
    if (mirror == null) {
      return;
    }
    String twin = mirror.twin();
    long token = mirror.lease().token();
    mirror.close();
    if (twin != null && !local().ended(id)) {
      var unused = members.ask(twin, new JobQuestion.Drop(id, token));
    }
  }

  @Override
  public void fetch(String requestId) {
    long until = System.nanoTime() + FETCH.toNanos();
    while (fetchOnce(requestId) && System.nanoTime() - until < 0) {
      pause(PAUSE_MILLIS);
    }
  }

  /** Whether it is worth another try. */
  private boolean fetchOnce(String requestId) {
    try {
      Map<String, JobQuestion.Found> all = findByMember(requestId);
      for (JobQuestion.Found found : all.values()) {
        for (byte[] job : found.job()) {
          return !local().learn(JobJson.read(job).job());
        }
      }
      String self = members.view().self();
      boolean somewhere = false;
      for (Map.Entry<String, JobQuestion.Found> found : all.entrySet()) {
        for (Held held : found.getValue().owned()) {
          if (found.getKey().equals(self)) {
            return false;
          }
          JobQuestion.HandOver over = new JobQuestion.HandOver(held.id(), self);
          members.ask(found.getKey(), over, JobQuestion.Done.class, FETCH);
          offeredBy.put(held.id(), self);
          claimAll();
          return true;
        }
        somewhere |= !found.getValue().copy().isEmpty();
      }
      stir();
      return somewhere;
    } catch (ServingException e) {
      LOG.info("request {}: fetched again soon: {}", requestId, e.getMessage());
      return true;
    }
  }

  @Override
  public Optional<TrainingJob> cancel(String jobId) {
    long until = System.nanoTime() + FETCH.toNanos();
    while (!owned.containsKey(jobId)) {
      String owner = toldBy.get(jobId);
      try {
        if (owner == null) {
          return Optional.empty();
        }
        JobQuestion.Cancel cancel = new JobQuestion.Cancel(jobId);
        byte[] job = members.ask(owner, cancel, JobQuestion.Job.class, ANSWER).job();
        return Optional.of(JobJson.read(job).job());
      } catch (ServingException e) {
        if (e.code() != ErrorCode.UNAVAILABLE || System.nanoTime() - until > 0) {
          throw e;
        }
        pause(PAUSE_MILLIS);
      }
    }
    return Optional.empty();
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ServingException(ErrorCode.UNAVAILABLE, "INTERRUPTED", "cluster: interrupted", e);
    }
  }

  // Tending.

  private void tend() {
    while (awaitStir()) {
      try {
        noticeNewId();
        settleDoubts();
        claimAll();
        owned.values().forEach(Mirror::look);
        local().goOn();
        tellAll();
      } catch (ServingException e) {
        LOG.info("jobs are not tended: {}", e.getMessage());
      } catch (RuntimeException e) {
        LOG.error("tending the jobs failed", e);
      }
    }
  }

  @SuppressWarnings("WaitNotInLoop") // to tend once too often does no harm
  private synchronized boolean awaitStir() {
    try {
      if (!stirred && !closed) {
        wait(TEND_MILLIS);
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

  /** A member that was given up has another id when it is back, and owns nothing under it yet. */
  private synchronized void noticeNewId() {
    String self = members.view().self();
    if (!ownedAs.equals(self)) {
      ownedAs = self;
      doubted.addAll(owned.keySet());
      told.clear();
    }
  }

  private void settleDoubts() {
    for (String id : List.copyOf(doubted)) {
      Optional<Held> held = local().held(id);
      if (held.isEmpty()) {
        doubted.remove(id);
        continue;
      }
      try {
        Mirror mirror = owned.get(id);
        JobQuestion.Claimed answer = ask(held.get());
        if (mirror != null && answer.token() > 0) {
          if (mirror.lease().token() != answer.token()) {
            mirror.lease(mirror.lease().withToken(answer.token()));
          }
          doubted.remove(id);
        } else if (mirror != null && answer.drop()) {
          LOG.warn("{}: another member has it: dropped here", id);
          owned.remove(id);
          mirror.close();
          doubted.remove(id);
          local().abandon(id);
        }
      } catch (ServingException e) {
        LOG.info("{}: asked for again soon: {}", id, e.getMessage());
      }
    }
  }

  private JobQuestion.Claimed ask(Held held) {
    View view = members.view();
    return atCoordinator(view, new JobQuestion.Claim(view.self(), held), JobQuestion.Claimed.class);
  }

  /** Asks for copies whose owners are gone. */
  private void claimAll() {
    synchronized (claiming) {
      List<String> present = members.view().ids();
      String self = members.view().self();
      for (Held copy : local().copies()) {
        String owner = offeredBy.get(copy.id());
        if (owner != null && !owner.equals(self) && present.contains(owner)) {
          continue;
        }
        try {
          claim(copy);
        } catch (ServingException e) {
          LOG.info("{}: claimed again soon: {}", copy.id(), e.getMessage());
        }
      }
    }
  }

  private void claim(Held copy) {
    JobQuestion.Claimed answer = ask(copy);
    if (answer.token() > 0) {
      Lease lease = copy.lease().withToken(answer.token());
      offeredBy.remove(copy.id());
      toldBy.remove(copy.id());
      LOG.info("{}: adopted under token {}", copy.id(), lease.token());
      Mirror mirror;
      synchronized (adopting) {
        if (copy.committed()) {
          unregistered.remove(copy.id());
        } else {
          unregistered.add(copy.id());
        }
        mirror = own(copy.id(), lease);
        local().adopt(copy.id(), lease);
      }
      var unused = mirror.copied();
    } else if (answer.drop()) {
      LOG.info("{}: copy dropped, another member has it", copy.id());
      local().deleteCopy(copy.id());
    }
  }

  /** Tells every member what has changed since it was told last. */
  private void tellAll() {
    View view = members.view();
    told.keySet().retainAll(view.ids());
    List<TrainingJob> jobs = registered(local());
    Map<CompletableFuture<byte[]>, Runnable> answers = new HashMap<>();
    for (String member : view.others()) {
      Map<String, TrainingJob> known = told.computeIfAbsent(member, any -> new HashMap<>());
      known.keySet().retainAll(jobs.stream().map(TrainingJob::jobId).toList());
      for (TrainingJob job : jobs) {
        if (!job.equals(known.get(job.jobId())) && mine(view, member, job)) {
          byte[] bytes = JobJson.write(job, false);
          answers.put(
              members.ask(member, new JobQuestion.Tell(view.self(), bytes)),
              () -> known.put(job.jobId(), job));
        }
      }
    }
    long until = System.nanoTime() + PATIENCE.toNanos();
    answers.forEach(
        (answer, noted) -> {
          try {
            Duration left = Duration.ofNanos(until - System.nanoTime());
            Wire.read(Answers.await("told", answer, left), JobQuestion.Done.class);
            noted.run();
          } catch (ServingException e) {
            LOG.debug("a member was not told", e);
          }
        });
  }

  /** One's own; and of those that have ended the coordinator tells all, and all tell it. */
  private boolean mine(View view, String member, TrainingJob job) {
    return job.state().ended()
        ? view.coordinates() || member.equals(view.coordinator())
        : owned.containsKey(job.jobId());
  }

  /** Stops; what waits for copies fails. Twice is fine. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    owned.values().forEach(Mirror::close);
    threads.shutdownNow();
  }
}
