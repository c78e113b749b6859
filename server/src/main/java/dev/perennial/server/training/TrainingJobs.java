package dev.perennial.server.training;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.device.Devices;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.task.PoolWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All training jobs of this server; they survive its restart. Safe for any thread.
 *
 * <p>What a caller can rely on: an example that was acknowledged is on disk; a job that was
 * returned by a commit runs until it has ended, across restarts, and continues after its last whole
 * epoch; the same request id never makes a second job (of two uploads with one id that are open
 * together the first commit makes the job, and the other's commit is answered with it).
 *
 * <p>{@link #start}, {@link #cancel} and {@link #close} wait for the disk and do not belong on an
 * event loop; nothing else here waits.
 */
public final class TrainingJobs implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(TrainingJobs.class);

  private final JobStore store;
  private final TrainingConfig config;
  private final Clock clock;
  private final JobPeers peers;
  private final Spool spool;
  private final Uploads uploads;
  private final JobTable table = new JobTable();
  private final JobRunners runners;

  /** Held while a job begins, is asked to stop or ends, so that these exclude each other. */
  private final Object transitions = new Object();

  /** Spool bytes of the jobs that have not ended. */
  @GuardedBy("transitions")
  private final Map<String, Long> spoolBytes = new TreeMap<>();

  /** Jobs whose caller asked them to stop. */
  @GuardedBy("transitions")
  private final Set<String> cancelled = new HashSet<>();

  /** Jobs that another server has, and that are still to be stopped here. */
  @GuardedBy("transitions")
  private final Set<String> lost = new HashSet<>();

  /** Jobs that could not go on. */
  @GuardedBy("transitions")
  private final Set<String> parked = new HashSet<>();

  @GuardedBy("transitions")
  private Instant lastCreated = Instant.EPOCH;

  public TrainingJobs(
      Path directory,
      ModelDirectory model,
      Devices devices,
      PoolWriter pool,
      ImageDecoder decoder,
      TrainingConfig config,
      JobPeers peers) {
    this(
        directory,
        new ServerHost(model, devices, pool, decoder),
        config,
        Disk.REAL,
        Clock.systemUTC(),
        System::nanoTime,
        peers);
  }

  /** With what tests replace. */
  TrainingJobs(
      Path directory,
      TrainingHost host,
      TrainingConfig config,
      Disk disk,
      Clock clock,
      LongSupplier nanoTime,
      JobPeers peers) {
    this.peers = peers;
    this.store = new JobStore(directory, disk);
    this.config = config;
    this.clock = clock;
    int checkThreads = Math.max(1, Math.min(4, Runtime.getRuntime().availableProcessors() / 2));
    this.spool = new Spool(store, config, checkThreads, nanoTime, peers);
    this.uploads = new Uploads(spool, host, this);
    this.runners = new JobRunners(this, store, host, nanoTime, peers);
  }

  /** Loads the jobs on disk; those that had not ended start again. */
  public void start() {
    try {
      store.open();
      if (peers.alone()) {
        store.takeAllBack();
      } else {
        store.setAside();
        store.registeredCopies().forEach(table::add); // there, though nobody works on them yet
      }
      for (JobJson.Stored stored : store.load()) {
        restore(stored);
      }
      uploads.restore();
    } catch (IOException e) {
      close();
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION, "SPOOL_UNUSABLE", "training directory: cannot be used", e);
    }
    forgetOldest();
    spool.start();
    runners.start();
    peers.start(new JobCopies(store, this));
  }

  private void restore(JobJson.Stored stored) throws IOException {
    TrainingJob job = stored.job();
    synchronized (transitions) {
      if (job.created().isAfter(lastCreated)) {
        lastCreated = job.created();
      }
      if (job.state().ended()) {
        store.deleteSpool(job.jobId()); // a crash may have come between
        table.add(job);
        return;
      }
      long bytes = store.spoolBytes(job.jobId());
      spool.addBytes(bytes);
      spoolBytes.put(job.jobId(), bytes);
      table.add(job);
      if (stored.cancelRequested()) {
        end(job.jobId(), JobState.CANCELLED, null, null);
      } else {
        runners.queue(job.jobId());
      }
    }
  }

  /** The job that this request id has already made. */
  Optional<TrainingJob> findRequest(String requestId) {
    return table.findRequest(requestId);
  }

  /**
   * Begins an upload, or goes on with one. Throws INVALID_ARGUMENT (bad spec, or another than
   * before), RESOURCE_EXHAUSTED (too many).
   */
  public UploadOpening open(TrainingSpec spec, UploadMode mode) {
    return uploads.open(spec, mode);
  }

  /** On the spool's thread: an upload, all on disk, becomes a job. */
  CompletableFuture<TrainingJob> commit(SpooledUpload upload) throws IOException {
    TrainingJob job;
    synchronized (transitions) {
      Optional<TrainingJob> made = table.findRequest(upload.spec().requestId());
      if (made.isPresent()) {
        return CompletableFuture.completedFuture(made.get());
      }
      if (table.unfinished() >= config.maxJobs()) {
        throw ServingException.exhausted(
            "TOO_MANY_JOBS",
            "unfinished jobs: "
                + (config.maxJobs() + 1)
                + " (expected: at most "
                + config.maxJobs()
                + ")",
            Duration.ofMinutes(1));
      }
      TrainingSpec spec = CommitRules.decide(upload.spec(), upload.examplesOf());
      job =
          new TrainingJob(
              upload.id(),
              spec,
              JobState.QUEUED,
              TrainingJob.Progress.NONE,
              upload.accepted(),
              null,
              0,
              null,
              nextCreated(),
              null);
      store.commit(upload.id(), job);
      spoolBytes.put(job.jobId(), upload.reservedBytes());
      table.add(job);
    }
    return peers.register(job).thenApply(registered -> registered(job, registered));
  }

  private TrainingJob registered(TrainingJob job, TrainingJob registered) {
    synchronized (transitions) {
      if (registered.jobId().equals(job.jobId())) {
        runners.queue(job.jobId());
        log.info("job {}: {} examples for task {}", job.jobId(), job.examples(), job.spec().task());
      } else {
        table.remove(job.jobId());
        spoolBytes.remove(job.jobId()); // the upload gives them back
        deleteQuietly(job.jobId());
        boolean unused = learn(registered);
      }
      forgetOldest();
      return registered;
    }
  }

  /** Strictly later than every job before: it is the order that jobs run and are listed in. */
  @GuardedBy("transitions")
  private Instant nextCreated() {
    Instant now = clock.instant();
    lastCreated = now.isAfter(lastCreated) ? now : lastCreated.plusNanos(1);
    return lastCreated;
  }

  /** Throws NOT_FOUND. */
  public TrainingJob job(String jobId) {
    return table.get(jobId);
  }

  /** Newest first; only one task's where named. */
  public List<TrainingJob> jobs(@Nullable String task) {
    return table.list(task);
  }

  /**
   * Calls with the job now and at every change until it has ended; slow listeners miss states in
   * between, never the last. Listeners run on threads of their own, one call at a time. Close the
   * result to stop. Throws NOT_FOUND, RESOURCE_EXHAUSTED.
   */
  public AutoCloseable watch(String jobId, Consumer<TrainingJob> listener) {
    return table.watch(jobId, listener);
  }

  /**
   * Asks a job to stop; one that has ended stays as it is. The wish is durable on return. Throws
   * NOT_FOUND.
   */
  public TrainingJob cancel(String jobId) {
    return table.get(jobId).state().ended()
        ? table.get(jobId)
        : peers.cancel(jobId).orElseGet(() -> cancelHere(jobId));
  }

  TrainingJob cancelHere(String jobId) {
    synchronized (transitions) {
      TrainingJob job = table.get(jobId);
      if (job.state().ended() || cancelled.contains(jobId)) {
        return job;
      }
      if (!runners.isRunning(jobId)) {
        end(jobId, JobState.CANCELLED, null, null);
        return table.get(jobId);
      }
      try {
        store.save(job, true);
        var unused = peers.copied(jobId);
      } catch (IOException e) {
        throw Disk.failure("cancellation", e);
      }
      cancelled.add(jobId);
      runners.stop(jobId);
      return job;
    }
  }

  /** Stops jobs between two steps; they go on at the next start. */
  @Override
  public void close() {
    spool.close();
    runners.close();
    table.close();
  }

  // What other members do.

  /** A job or an upload is this server's now; its files are in their place. */
  void adopted(String id, boolean job) throws IOException {
    if (job) {
      restore(store.load(id));
    } else {
      uploads.restore(id);
    }
  }

  /** A job is another server's now: it stops between two steps, and its files are deleted. */
  void abandon(String id) {
    synchronized (transitions) {
      if (runners.isRunning(id)) {
        lost.add(id);
        runners.stop(id);
        return;
      }
      drop(id);
    }
  }

  @GuardedBy("transitions")
  private void drop(String id) {
    lost.remove(id);
    parked.remove(id);
    Long bytes = spoolBytes.remove(id);
    spool.releaseBytes(bytes == null ? 0 : bytes);
    uploads.forget(id);
    deleteQuietly(id);
    spool.deleteUpload(id);
    peers.dropped(id);
  }

  Optional<String> detach(String requestId) {
    return uploads.detach(requestId);
  }

  boolean handOver(String id) throws IOException {
    return uploads.handOver(id);
  }

  /** Jobs that could not go on try again. */
  void goOn() {
    synchronized (transitions) {
      parked.forEach(runners::queue);
      parked.clear();
    }
  }

  /** Another server says how its job is; false where this one takes it for its own. */
  boolean learn(TrainingJob job) {
    synchronized (transitions) {
      if (spoolBytes.containsKey(job.jobId())) {
        return false;
      }
      if (ended(job.jobId())) {
        return true;
      }
      table.add(job);
      Set<String> forgotten = table.forget(config.maxJobs());
      if (job.state().ended() && !forgotten.contains(job.jobId())) {
        rememberEnded(job);
      }
      forget(forgotten);
      return true;
    }
  }

  private void rememberEnded(TrainingJob job) {
    try {
      store.saveEnded(job);
    } catch (IOException e) {
      log.warn("job {}: not remembered on disk", job.jobId(), e);
    }
  }

  boolean ended(String jobId) {
    return table.find(jobId).filter(job -> job.state().ended()).isPresent();
  }

  private void deleteQuietly(String jobId) {
    try {
      store.delete(jobId);
    } catch (IOException e) {
      log.warn("job {}: cannot be deleted", jobId, e);
    }
  }

  // What the runners report.

  /** Whether a job that a runner has taken from the queue shall run. */
  boolean begin(String jobId, Runnable register) {
    synchronized (transitions) {
      if (!spoolBytes.containsKey(jobId) || table.get(jobId).state().ended()) {
        return false;
      }
      register.run();
      return true;
    }
  }

  void progress(String jobId, JobState state, TrainingJob.Progress progress) {
    table.update(jobId, job -> with(job, state, progress, null, 0, null, null));
    peers.changed();
  }

  /** A job has stopped before its end: its caller wished that, or it keeps for the next start. */
  void park(String jobId, Runnable unregister) {
    synchronized (transitions) {
      unregister.run();
      if (lost.contains(jobId)) {
        drop(jobId);
      } else if (cancelled.contains(jobId)) {
        end(jobId, JobState.CANCELLED, null, null);
        log.info("job {}: cancelled", jobId);
      } else {
        progress(jobId, JobState.QUEUED, table.get(jobId).progress());
        parked.add(jobId);
      }
    }
  }

  /** Ends a job, durably, and frees what it needs no more. */
  void end(
      String jobId,
      JobState state,
      TrainingHost.@Nullable Published published,
      @Nullable ServingException error) {
    synchronized (transitions) {
      TrainingJob job = table.get(jobId);
      TrainingJob ended =
          with(
              job,
              state,
              job.progress(),
              published == null ? null : published.versionId(),
              published == null ? 0 : published.epoch(),
              error,
              clock.instant());
      cancelled.remove(jobId);
      if (lost.contains(jobId)) {
        drop(jobId);
        return;
      }
      try {
        store.save(ended, false);
        store.deleteSpool(jobId);
        Long bytes = spoolBytes.remove(jobId);
        spool.releaseBytes(bytes == null ? 0 : bytes);
      } catch (IOException e) {
        // The job runs again at the next start, to the same version: nothing is lost but time.
        log.error("job {}: {}, which cannot be written", jobId, state, e);
      }
      table.update(jobId, before -> ended);
      peers.dropped(jobId);
      peers.changed();
      forgetOldest();
    }
  }

  private void forgetOldest() {
    forget(table.forget(config.maxJobs()));
  }

  private void forget(Set<String> jobIds) {
    for (String jobId : jobIds) {
      try {
        store.delete(jobId);
      } catch (IOException e) {
        log.warn("job {}: cannot be forgotten on disk", jobId, e);
      }
    }
  }

  private static TrainingJob with(
      TrainingJob job,
      JobState state,
      TrainingJob.Progress progress,
      @Nullable String versionId,
      long epoch,
      @Nullable ServingException error,
      @Nullable Instant ended) {
    return new TrainingJob(
        job.jobId(),
        job.spec(),
        state,
        progress,
        job.examples(),
        versionId,
        epoch,
        error,
        job.created(),
        ended);
  }
}
