package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Contribution;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.TaskVersion;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs jobs: one thread per device, each with one job at a time, first come first served. A job's
 * thread prepares pixels and waits for its device; it never touches a tensor.
 */
final class JobRunners implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(JobRunners.class);

  /** Decoded examples that are kept in memory, of all running jobs together. */
  private static final long MAX_CACHE_BYTES = 1L << 30;

  /** When what could not be written is tried again. */
  private static final Executor AGAIN = CompletableFuture.delayedExecutor(1, TimeUnit.SECONDS);

  private final JobTransitions jobs;
  private final JobStore store;
  private final TrainingHost host;
  private final LongSupplier nanoTime;
  private final JobPeers peers;

  /** Ids of waiting jobs; empty: stop. Bounded by the number of unfinished jobs. */
  private final LinkedBlockingQueue<Optional<String>> queue = new LinkedBlockingQueue<>();

  private final Map<String, StopSignal> running = new ConcurrentHashMap<>();
  private final List<Thread> threads = new ArrayList<>();
  private final StopSignal closeSignal = new StopSignal();
  private volatile boolean closing;

  JobRunners(
      JobTransitions jobs,
      JobStore store,
      TrainingHost host,
      LongSupplier nanoTime,
      JobPeers peers) {
    this.jobs = jobs;
    this.store = store;
    this.host = host;
    this.nanoTime = nanoTime;
    this.peers = peers;
  }

  void start() {
    for (int i = 0; i < host.devices(); i++) {
      int device = i;
      Thread thread = new Thread(() -> work(device), "training-job-" + device);
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }
  }

  void queue(String jobId) {
    queue.add(Optional.of(jobId));
  }

  boolean isRunning(String jobId) {
    return running.containsKey(jobId);
  }

  /** The job notices at its next step. */
  void stop(String jobId) {
    StopSignal signal = running.get(jobId);
    if (signal != null) {
      signal.give();
    }
  }

  /** Stops all jobs between two steps and waits for that. */
  @Override
  public void close() {
    closing = true;
    closeSignal.give();
    for (int i = 0; i < threads.size(); i++) {
      queue.add(Optional.empty());
    }
    running.values().forEach(StopSignal::give);
    for (Thread thread : threads) {
      Uninterruptibly.run(thread::join);
    }
  }

  private void work(int device) {
    while (!closing) {
      Optional<String> next = Uninterruptibly.get(queue::take);
      if (next.isPresent() && !closing) {
        run(next.get(), device);
      }
    }
  }

  private void run(String jobId, int device) {
    StopSignal stop = new StopSignal();
    if (!jobs.begin(jobId, () -> running.put(jobId, stop))) {
      return;
    }
    if (closing) {
      stop.give();
    }
    try {
      jobs.progress(jobId, JobState.RUNNING, TrainingJob.Progress.NONE);
      TrainingHost.Published published = trainAndPublish(jobId, device, stop);
      end(jobId, JobState.SUCCEEDED, published, null);
      log.info("job {}: {} from epoch {}", jobId, published.versionId(), published.epoch());
    } catch (StopSignal.Stopped e) {
      park(jobId);
    } catch (ServingException e) {
      failed(jobId, e);
    } catch (IOException e) {
      failed(
          jobId,
          new ServingException(
              ErrorCode.DATA_LOSS, "SPOOL_UNREADABLE", "job's examples: cannot be read", e));
    } catch (OutOfMemoryError e) {
      failed(
          jobId,
          new ServingException(
              ErrorCode.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", "training: no memory left", e));
    } catch (RuntimeException e) {
      failed(
          jobId,
          new ServingException(ErrorCode.INTERNAL, "TRAINING_FAILED", "training: failed", e));
    } finally {
      running.remove(jobId);
    }
  }

  private TrainingHost.Published trainAndPublish(String jobId, int device, StopSignal stop)
      throws IOException, StopSignal.Stopped {
    TrainingJob job = jobs.job(jobId);
    log.info("job {}: runs under token {} on device {}", jobId, peers.token(jobId), device);
    ProgressMeter meter =
        new ProgressMeter(nanoTime, progress -> jobs.progress(jobId, JobState.RUNNING, progress));
    Supplier<TrainingHost.Published> publishing;
    try (SpoolReader spool = store.openSpool(job);
        Trainer trainer = host.trainer(device)) {
      long cacheBytes = MemoryBounds.ofHeap(MAX_CACHE_BYTES) / host.devices();
      ExampleSet examples =
          new SpoolExamples(
              spool, job.spec().classNames(), host::pixels, host.config().imageSize(), cacheBytes);
      publishing = run(job, examples, trainer, stop, meter);
    }
    stop.check();
    jobs.progress(jobId, JobState.PUBLISHING, jobs.job(jobId).progress());
    TrainingHost.Published published = publishing.get();
    // Too late to cancel. When the server closes now, the next start publishes the same version.
    closeSignal.await(host.installed(published.epoch()));
    return published;
  }

  /** What the job is for; then, how to publish what it made. */
  private Supplier<TrainingHost.Published> run(
      TrainingJob job, ExampleSet examples, Trainer trainer, StopSignal stop, ProgressMeter meter)
      throws StopSignal.Stopped {
    if (job.spec().statisticsOnly()) {
      Contribution contribution =
          new StatisticsRun(job.spec(), examples, host, trainer, stop, meter).run();
      return () -> host.publish(contribution, fence(job));
    }
    Checkpoints checkpoints = new JobCheckpoints(store, job.jobId(), peers);
    TaskVersion version =
        new TrainingRun(
                job.spec(), job.created(), examples, host, trainer, checkpoints, stop, meter)
            .run();
    return () -> host.publish(version, fence(job));
  }

  /** As it is at that moment: whoever has lost the job has an old token, or none. */
  private Fence fence(TrainingJob job) {
    return new Fence(job.jobId(), peers.token(job.jobId()));
  }

  private void failed(String jobId, ServingException error) {
    if (error.code() == ErrorCode.UNAVAILABLE) {
      // The device or the other members are gone, or the job is another member's.
      log.warn("job {}: stopped", jobId, error);
      park(jobId);
      peers.doubt(jobId);
    } else {
      log.warn("job {}: failed", jobId, error);
      end(jobId, JobState.FAILED, null, error);
    }
  }

  /**
   * Waits until the end can be written: where it is not, the job would run again at the next start.
   */
  private void end(
      String jobId,
      JobState state,
      TrainingHost.@Nullable Published published,
      @Nullable ServingException error) {
    boolean told = false;
    while (!closing) {
      try {
        jobs.end(jobId, state, published, error);
        return;
      } catch (IOException e) {
        if (!told) {
          log.error("job {}: {}, which cannot be written: tried until it can", jobId, state, e);
          told = true;
        }
        pause();
      }
    }
  }

  private void pause() {
    try {
      closeSignal.await(CompletableFuture.supplyAsync(() -> true, AGAIN));
    } catch (StopSignal.Stopped e) {
      log.info("closing: what cannot be written is done again at the next start");
    }
  }

  /** Cancelled, or left for the next start. */
  private void park(String jobId) {
    jobs.park(jobId, () -> running.remove(jobId));
  }
}
