package dev.perennial.server.training;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs as they are now, and who watches them. Safe for any thread; nothing here waits for a
 * disk or a listener.
 *
 * <p>Each watcher has a slot that holds the newest state it has not seen. A change fills the slot
 * of every watcher of the job, and a few threads empty them: a slow listener misses states in
 * between and never the last, and no job waits for it.
 */
final class JobTable implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(JobTable.class);
  static final int MAX_WATCHERS = 10_000;
  private static final int NOTIFIERS = 4;

  private static final class Entry {
    TrainingJob job;
    final List<Watcher> watchers = new ArrayList<>();

    Entry(TrainingJob job) {
      this.job = job;
    }
  }

  /** Oldest first. */
  @GuardedBy("this")
  private final LinkedHashMap<String, Entry> entries = new LinkedHashMap<>();

  @GuardedBy("this")
  private final Map<String, String> jobOfRequest = new HashMap<>();

  @GuardedBy("this")
  private int watchers;

  private final ThreadPoolExecutor notifiers;

  JobTable() {
    notifiers =
        new ThreadPoolExecutor(
            NOTIFIERS,
            NOTIFIERS,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), // each watcher is in it at most once
            task -> {
              Thread thread = new Thread(task, "training-watch");
              thread.setDaemon(true);
              return thread;
            });
    notifiers.allowCoreThreadTimeOut(true);
  }

  /** A job that was not known, or is known by another member's word; who watches it is told. */
  synchronized void add(TrainingJob job) {
    Entry entry = entries.computeIfAbsent(job.jobId(), id -> new Entry(job));
    entry.job = job;
    List.copyOf(entry.watchers).forEach(watcher -> watcher.offer(job));
    jobOfRequest.putIfAbsent(job.spec().requestId(), job.jobId());
  }

  synchronized Optional<TrainingJob> find(String jobId) {
    return Optional.ofNullable(entries.get(jobId)).map(entry -> entry.job);
  }

  /** Whether a job is known to have ended. */
  boolean ended(String jobId) {
    return find(jobId).filter(job -> job.state().ended()).isPresent();
  }

  /**
   * Whether what another server says of a job counts. An end stays; but a job that was taken for
   * lost, and cancelled, may have succeeded on the other side of a partition.
   */
  boolean isNews(TrainingJob job) {
    return find(job.jobId())
        .filter(known -> known.state().ended())
        .filter(end -> end.state() != JobState.CANCELLED || job.state() != JobState.SUCCEEDED)
        .isEmpty();
  }

  /** Forgets a job that never came to be; another of its request is the request's then. */
  synchronized void remove(String jobId) {
    Entry entry = entries.remove(jobId);
    if (entry != null && jobOfRequest.remove(entry.job.spec().requestId(), jobId)) {
      entries.values().stream()
          .map(other -> other.job)
          .filter(other -> other.spec().requestId().equals(entry.job.spec().requestId()))
          .min(TrainingJob.AGE)
          .ifPresent(other -> jobOfRequest.put(other.spec().requestId(), other.jobId()));
    }
  }

  synchronized Optional<TrainingJob> findRequest(String requestId) {
    String jobId = jobOfRequest.get(requestId);
    return jobId == null ? Optional.empty() : Optional.of(get(jobId));
  }

  /** Throws NOT_FOUND. */
  synchronized TrainingJob get(String jobId) {
    return entry(jobId).job;
  }

  /** Newest first. */
  synchronized List<TrainingJob> list(@Nullable String task) {
    List<TrainingJob> jobs = new ArrayList<>();
    for (Entry entry : entries.values()) {
      if (task == null || task.equals(entry.job.spec().task())) {
        jobs.add(entry.job);
      }
    }
    jobs.sort(TrainingJob.AGE.reversed());
    return jobs;
  }

  synchronized int unfinished() {
    return (int) entries.values().stream().filter(entry -> !entry.job.state().ended()).count();
  }

  /** Replaces a job by what the change makes of it, and tells those who watch. */
  synchronized TrainingJob update(String jobId, UnaryOperator<TrainingJob> change) {
    Entry entry = entry(jobId);
    entry.job = change.apply(entry.job);
    List.copyOf(entry.watchers).forEach(watcher -> watcher.offer(entry.job));
    return entry.job;
  }

  /**
   * Forgets the oldest ended jobs above the bound, in whatever order they came to be known: members
   * that tell each other what they remember then remember the same. Returns their ids.
   */
  synchronized Set<String> forget(int maxJobs) {
    if (entries.size() <= maxJobs) {
      return Set.of();
    }
    Set<String> forgotten =
        entries.values().stream()
            .map(entry -> entry.job)
            .filter(job -> job.state().ended())
            .sorted(TrainingJob.AGE)
            .limit(entries.size() - maxJobs)
            .map(TrainingJob::jobId)
            .collect(Collectors.toSet());
    forgotten.forEach(this::remove);
    return forgotten;
  }

  /** Throws NOT_FOUND, RESOURCE_EXHAUSTED. */
  synchronized AutoCloseable watch(String jobId, Consumer<TrainingJob> listener) {
    Entry entry = entry(jobId);
    if (watchers >= MAX_WATCHERS) {
      throw ServingException.exhausted(
          "TOO_MANY_WATCHERS",
          "watchers of jobs: " + (watchers + 1) + " (expected: at most " + MAX_WATCHERS + ")",
          Duration.ofSeconds(5));
    }
    Watcher watcher = new Watcher(entry, listener);
    watchers++;
    entry.watchers.add(watcher);
    watcher.offer(entry.job);
    return watcher;
  }

  synchronized int watchers() {
    return watchers;
  }

  /** States already offered are still delivered. */
  @Override
  public void close() {
    notifiers.shutdown();
  }

  @GuardedBy("this")
  private Entry entry(String jobId) {
    Entry entry = entries.get(jobId);
    if (entry == null) {
      throw new ServingException(
          ErrorCode.NOT_FOUND,
          "JOB_NOT_FOUND",
          "job: " + ServingException.quoted(jobId) + " (expected: the id of a job)");
    }
    return entry;
  }

  private synchronized void remove(Watcher watcher) {
    if (watcher.entry.watchers.remove(watcher)) {
      watchers--;
    }
  }

  /** One listener and its slot. */
  private final class Watcher implements AutoCloseable, Runnable {
    private final Entry entry;
    private final Consumer<TrainingJob> listener;

    @GuardedBy("this")
    private @Nullable TrainingJob slot;

    @GuardedBy("this")
    private boolean scheduled;

    @GuardedBy("this")
    private boolean closed;

    Watcher(Entry entry, Consumer<TrainingJob> listener) {
      this.entry = entry;
      this.listener = listener;
    }

    synchronized void offer(TrainingJob job) {
      slot = job;
      if (!scheduled && !closed) {
        scheduled = true;
        try {
          notifiers.execute(this);
        } catch (RejectedExecutionException e) {
          closed = true; // the server stops; the job has not ended and goes on at the next start
        }
      }
    }

    @Override
    public void run() {
      TrainingJob job;
      while ((job = take()) != null) {
        try {
          listener.accept(job);
        } catch (RuntimeException e) {
          log.warn("A listener of job {} failed and is dropped", job.jobId(), e);
          close();
        }
        if (job.state().ended()) {
          close();
        }
      }
    }

    private synchronized @Nullable TrainingJob take() {
      TrainingJob job = closed ? null : slot;
      slot = null;
      scheduled = job != null;
      return job;
    }

    @Override
    public void close() {
      synchronized (this) {
        closed = true;
      }
      remove(this);
    }
  }
}
