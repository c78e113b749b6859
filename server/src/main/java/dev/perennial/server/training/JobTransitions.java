package dev.perennial.server.training;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How jobs come to be, begin, are asked to stop, end, and go from server to server: every change of
 * one that must survive, on disk before it is told. Safe for any thread; most methods wait for the
 * disk, and {@link #cancel} for a second one.
 *
 * <p>A job has ended once its end is on disk, not before: shown any earlier, it would run again at
 * the next start, over whatever its task has learned since.
 */
final class JobTransitions {

  private static final Logger log = LoggerFactory.getLogger(JobTransitions.class);

  /** Shorter than a member waits for another one's answer. */
  private static final Duration COPY = Duration.ofSeconds(4);

  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final JobStore store;
  private final Clock clock;
  private final JobPeers peers;
  private final Spool spool;
  private final JobTable table;
  private final JobMemory memory;
  private final JobRunners runners;

  /** Held while a job begins, is asked to stop or ends, so that these exclude each other. */
  private final Object transitions = new Object();

  /** Spool bytes of the jobs that have not ended. */
  @GuardedBy("transitions")
  private final Map<String, Long> spoolBytes = new TreeMap<>();

  /** Jobs whose commits are not answered yet; their bytes are still their uploads'. */
  @GuardedBy("transitions")
  private final Set<String> committing = new HashSet<>();

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

  JobTransitions(
      JobStore store,
      TrainingHost host,
      TrainingConfig config,
      Clock clock,
      LongSupplier nanoTime,
      Spool spool,
      JobTable table,
      JobPeers peers) {
    this.store = store;
    this.clock = clock;
    this.spool = spool;
    this.table = table;
    this.peers = peers;
    this.memory = new JobMemory(store, table, config.maxJobs());
    this.runners = new JobRunners(this, store, host, nanoTime, peers);
  }

  void start() {
    memory.forgetOldest();
    runners.start();
  }

  /** Jobs stop between two steps. */
  void close() {
    runners.close();
  }

  /** A job that this disk holds. */
  void restore(JobJson.Stored stored) throws IOException {
    TrainingJob job = stored.job();
    synchronized (transitions) {
      if (job.created().isAfter(lastCreated)) {
        lastCreated = job.created();
      }
      table.add(job);
      if (job.state().ended()) {
        store.deleteSpool(job.jobId()); // a crash may have come between
        return;
      }
      long bytes = store.spoolBytes(job.jobId());
      spool.addBytes(bytes);
      spoolBytes.put(job.jobId(), bytes);
      if (stored.cancelRequested()) {
        endCancelled(job.jobId());
      } else {
        runners.queue(job.jobId());
      }
    }
  }

  /** On the spool's thread: an upload, all on disk, becomes a job. */
  CompletableFuture<TrainingJob> commit(SpooledUpload upload) throws IOException {
    TrainingJob job;
    synchronized (transitions) {
      Optional<TrainingJob> made = table.findRequest(upload.spec().requestId());
      if (made.isPresent()) {
        return CompletableFuture.completedFuture(made.get());
      }
      memory.requireRoom();
      job = CommitRules.newJob(upload, nextCreated());
      store.commit(upload.id(), job);
      spoolBytes.put(job.jobId(), upload.reservedBytes());
      committing.add(job.jobId());
      table.add(job);
    }
    return peers.register(job).handle((registered, e) -> answered(job, registered, e));
  }

  /** Strictly later than every job before: it is the order that jobs run and are listed in. */
  @GuardedBy("transitions")
  private Instant nextCreated() {
    Instant now = clock.instant();
    lastCreated = now.isAfter(lastCreated) ? now : lastCreated.plusNanos(1);
    return lastCreated;
  }

  private TrainingJob answered(
      TrainingJob job, @Nullable TrainingJob registered, @Nullable Throwable failure) {
    synchronized (transitions) {
      if (registered == null) {
        if (!isClosing(cause(failure))) { // the next start goes on with it, or whoever has it now
          undo(job.jobId());
        }
        throw new CompletionException(cause(failure));
      }
      if (registered.jobId().equals(job.jobId())) {
        committing.remove(job.jobId());
        if (cancelled.contains(job.jobId())) {
          endCancelled(job.jobId());
        } else {
          runners.queue(job.jobId());
        }
        log.info("job {}: {} examples for task {}", job.jobId(), job.examples(), job.spec().task());
      } else {
        undo(job.jobId());
        boolean unused = learn(registered);
      }
      memory.forgetOldest();
      return registered;
    }
  }

  private static Throwable cause(@Nullable Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    return Objects.requireNonNull(cause);
  }

  private static boolean isClosing(Throwable failure) {
    return failure instanceof ServingException known && known.reason().equals(JobPeers.CLOSING);
  }

  /** A job that never came to be; its bytes are given back by its upload. */
  @GuardedBy("transitions")
  private void undo(String jobId) {
    committing.remove(jobId);
    spoolBytes.remove(jobId);
    table.remove(jobId);
    memory.delete(jobId);
  }

  /**
   * Asks one of this server's jobs to stop. Throws UNAVAILABLE (CANCEL_NOT_COPIED) where the wish
   * is on this disk alone: then it holds unless this server dies before the job has ended.
   */
  TrainingJob cancel(String jobId) {
    synchronized (transitions) {
      TrainingJob job = table.get(jobId);
      if (job.state().ended()) {
        return job;
      }
      if (!spoolBytes.containsKey(jobId)) {
        throw ServingException.unavailable(
            "JOB_WAITS", "job " + jobId + ": not this server's yet (expected: soon)", PATIENCE);
      }
      if (!cancelled.contains(jobId)) {
        try {
          store.save(job, true);
        } catch (IOException e) {
          throw Disk.failure("cancellation", e);
        }
        cancelled.add(jobId);
      }
    }
    ServingException notCopied = awaitCopy(jobId);
    synchronized (transitions) {
      TrainingJob job = table.get(jobId);
      if (job.state().ended()) {
        return job;
      }
      if (runners.isRunning(jobId)) {
        runners.stop(jobId);
      } else if (spoolBytes.containsKey(jobId) && !committing.contains(jobId)) {
        endCancelled(jobId);
      }
      if (notCopied != null) {
        throw notCopied;
      }
      return table.get(jobId);
    }
  }

  private @Nullable ServingException awaitCopy(String jobId) {
    try {
      peers.copied(jobId).get(COPY.toNanos(), TimeUnit.NANOSECONDS);
      return null;
    } catch (TimeoutException | ExecutionException e) {
      return ServingException.unavailable(
          "CANCEL_NOT_COPIED",
          "job " + jobId + ": cancelled on one disk (expected: on two)",
          PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return ServingException.unavailable(
          "INTERRUPTED", "job " + jobId + ": interrupted", PATIENCE);
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
    cancelled.remove(id);
    if (committing.contains(id)) {
      undo(id);
    }
    Long bytes = spoolBytes.remove(id);
    spool.releaseBytes(bytes == null ? 0 : bytes);
    spool.forget(id);
    memory.delete(id);
    spool.deleteUpload(id);
    peers.dropped(id);
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
      if (table.isNews(job)) {
        memory.learn(job);
      }
      return true;
    }
  }

  // What the runners report.

  TrainingJob job(String jobId) {
    return table.get(jobId);
  }

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
    table.update(jobId, job -> job.at(state, progress));
    peers.changed();
  }

  /** A job has stopped before its end: its caller wished that, or it keeps for the next start. */
  void park(String jobId, Runnable unregister) {
    synchronized (transitions) {
      unregister.run();
      if (lost.contains(jobId)) {
        drop(jobId);
      } else if (cancelled.contains(jobId)) {
        endCancelled(jobId);
        log.info("job {}: cancelled", jobId);
      } else {
        progress(jobId, JobState.QUEUED, table.get(jobId).progress());
        parked.add(jobId);
      }
    }
  }

  /**
   * Ends a job, durably, and frees what it needs no more. Where its end cannot be written it has
   * not ended.
   */
  void end(
      String jobId,
      JobState state,
      TrainingHost.@Nullable Published published,
      @Nullable ServingException error)
      throws IOException {
    synchronized (transitions) {
      if (lost.contains(jobId)) {
        drop(jobId);
        return;
      }
      TrainingJob job = table.get(jobId);
      TrainingJob ended = job.ended(state, published, error, clock.instant());
      store.saveEnd(ended);
      deleteSpool(jobId);
      show(ended);
    }
  }

  /** The wish is on disk: what cannot be written here is done again at the next start. */
  @GuardedBy("transitions")
  private void endCancelled(String jobId) {
    TrainingJob job = table.get(jobId);
    TrainingJob ended = job.ended(JobState.CANCELLED, null, null, clock.instant());
    deleteSpool(jobId); // first: it makes room
    try {
      store.save(ended, true);
    } catch (IOException e) {
      log.warn("job {}: cancelled, which cannot be written", jobId, e);
    }
    show(ended);
  }

  @GuardedBy("transitions")
  private void deleteSpool(String jobId) {
    try {
      store.deleteSpool(jobId);
    } catch (IOException e) {
      log.warn("job {}: its examples cannot be deleted before the next start", jobId, e);
    }
    Long bytes = spoolBytes.remove(jobId);
    spool.releaseBytes(bytes == null ? 0 : bytes);
  }

  @GuardedBy("transitions")
  private void show(TrainingJob ended) {
    cancelled.remove(ended.jobId());
    table.update(ended.jobId(), before -> ended);
    peers.dropped(ended.jobId());
    peers.changed();
    memory.forgetOldest();
  }
}
