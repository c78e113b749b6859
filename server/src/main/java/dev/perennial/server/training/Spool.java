package dev.perennial.server.training;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts uploads' examples on disk. Every write, sync and commit is done by one thread: it takes all
 * that waits, appends it, syncs each file once, and only then tells the callers (group commit), so
 * the cost of a sync is shared by whatever came in during the one before. Commits and deletions run
 * on the same thread, in order with the appends. Safe for any thread; nothing here blocks its
 * caller but {@link #close}.
 *
 * <p>What the bounds hold: the number of uploads, the bytes on disk of all uploads and unfinished
 * jobs, and the bytes and number of examples that are in memory because they wait for their check
 * or their sync.
 */
final class Spool implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Spool.class);

  /** Of all uploads together, in memory: more than a fast disk is behind. */
  static final long MAX_PENDING_BYTES = MemoryBounds.ofHeap(256L << 20);

  static final int MAX_PENDING_EXAMPLES = 65_536;

  /** Examples that at most share a sync. */
  private static final int MAX_GROUP = 4_096;

  private static final Duration RETRY = Duration.ofSeconds(5);

  /** How often kept uploads are looked through for those that waited too long. */
  private static final Duration LOOK_THROUGH = Duration.ofMinutes(1);

  /** One thing for the spool's thread to do. */
  sealed interface Work {
    /** An example whose check passed. */
    record Append(ExampleWriter writer, PendingExample example) implements Work {}

    /** Anything that must come after the appends before it. */
    record Then(Runnable action) implements Work {}

    /** Nothing follows. */
    record Stop() implements Work {}
  }

  private final JobStore store;
  private final TrainingConfig config;
  private final LinkedBlockingQueue<Work> work = new LinkedBlockingQueue<>();
  private final ExecutorService checks;
  private final Thread thread;
  private final JobPeers peers;
  private final KeptUploads kept;
  private final Set<SpooledUpload> uploads = ConcurrentHashMap.newKeySet();
  private final AtomicLong spoolBytes = new AtomicLong();
  private final AtomicLong pendingBytes = new AtomicLong();
  private final AtomicInteger pendingExamples = new AtomicInteger();

  @GuardedBy("this")
  private boolean closed;

  Spool(
      JobStore store,
      TrainingConfig config,
      int checkThreads,
      LongSupplier nanoTime,
      JobPeers peers) {
    this.store = store;
    this.peers = peers;
    this.kept = new KeptUploads(nanoTime);
    this.config = config;
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            checkThreads,
            checkThreads,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), // bounded by the pending examples
            task -> daemon(task, "training-check-" + number.getAndIncrement()));
    pool.allowCoreThreadTimeOut(true);
    this.checks = pool;
    this.thread = daemon(this::run, "training-spool");
  }

  void start() {
    thread.start();
  }

  /** Counts a new upload; throws RESOURCE_EXHAUSTED. */
  synchronized void acquireUpload(SpooledUpload upload) {
    if (closed) {
      throw closing();
    }
    while (uploads.size() + kept.size() >= config.maxUploads()
        && throwAway(kept.takeOldest(), "gives way to another upload")) {}
    if (uploads.size() >= config.maxUploads()) {
      throw ServingException.exhausted(
          "TOO_MANY_UPLOADS",
          "uploads: " + (uploads.size() + 1) + " (expected: at most " + config.maxUploads() + ")",
          RETRY);
    }
    uploads.add(upload);
  }

  void releaseUpload(SpooledUpload upload) {
    uploads.remove(upload);
  }

  /** Counts a pending example; throws RESOURCE_EXHAUSTED. One alone may have any size. */
  void acquirePending(long bytes) {
    long before = pendingBytes.getAndAdd(bytes);
    int count = pendingExamples.incrementAndGet();
    if ((before > 0 && before + bytes > MAX_PENDING_BYTES) || count > MAX_PENDING_EXAMPLES) {
      releasePending(bytes);
      throw ServingException.exhausted(
          "UPLOAD_TOO_FAST",
          "examples waiting for the disk: "
              + (count - 1)
              + " with "
              + before
              + " bytes (expected: fewer, wait for some to be acknowledged)",
          Duration.ofSeconds(1));
    }
  }

  void releasePending(long bytes) {
    pendingBytes.addAndGet(-bytes);
    pendingExamples.decrementAndGet();
  }

  /** The open upload of a request. */
  Optional<SpooledUpload> open(String requestId) {
    return uploads.stream()
        .filter(upload -> upload.spec().requestId().equals(requestId))
        .findFirst();
  }

  /** An upload is another server's now: what is kept of it is forgotten, an open one fails. */
  void forget(String id) {
    kept.remove(id).ifPresent(upload -> releaseBytes(upload.bytes()));
    uploads.stream().filter(upload -> upload.id().equals(id)).forEach(SpooledUpload::lose);
  }

  KeptUploads kept() {
    return kept;
  }

  /** Keeps an upload whose bytes on disk are counted already. */
  void keep(KeptUploads.Kept upload) {
    throwAway(kept.add(upload), "another upload of its request is kept");
  }

  /** The same of one that another server had. */
  void keepBest(KeptUploads.Kept upload) {
    throwAway(kept.addBest(upload), "another upload of its request has more");
  }

  /** False where there is nothing to throw away. */
  private boolean throwAway(Optional<KeptUploads.Kept> upload, String why) {
    upload.ifPresent(
        unwanted -> {
          log.info("upload {}: thrown away: {}", unwanted.id(), why);
          releaseBytes(unwanted.bytes());
          then(() -> deleteUpload(unwanted.id()));
          peers.dropped(unwanted.id());
        });
    return upload.isPresent();
  }

  /** Counts bytes on disk; throws RESOURCE_EXHAUSTED. */
  void acquireBytes(long bytes) {
    long total = spoolBytes.addAndGet(bytes);
    while (total > config.maxTotalSpoolBytes()
        && throwAway(kept.takeOldest(), "its bytes are needed")) {
      total = spoolBytes.get();
    }
    if (total > config.maxTotalSpoolBytes()) {
      spoolBytes.addAndGet(-bytes);
      throw ServingException.exhausted(
          "SPOOL_FULL",
          "bytes of all uploads and unfinished jobs: "
              + total
              + " (expected: at most "
              + config.maxTotalSpoolBytes()
              + ")",
          RETRY);
    }
  }

  /** Counts bytes that are there already: those of a job found at the start. */
  void addBytes(long bytes) {
    spoolBytes.addAndGet(bytes);
  }

  void releaseBytes(long bytes) {
    spoolBytes.addAndGet(-bytes);
  }

  long spoolBytes() {
    return spoolBytes.get();
  }

  int openUploads() {
    return uploads.size();
  }

  JobPeers peers() {
    return peers;
  }

  JobStore store() {
    return store;
  }

  TrainingConfig config() {
    return config;
  }

  /** Runs an example's check. */
  void check(Runnable check) {
    checks.execute(check);
  }

  /** Appends go to disk in the order of these calls. */
  void append(ExampleWriter writer, PendingExample example) {
    work.add(new Work.Append(writer, example));
  }

  /** Runs an action after all that was given before. */
  void then(Runnable action) {
    work.add(new Work.Then(action));
  }

  /** Ends all uploads (commits that were asked for are finished), then stops. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    uploads.forEach(SpooledUpload::abort);
    checks.shutdown();
    Uninterruptibly.run(() -> checks.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS));
    if (thread.getState() != Thread.State.NEW) {
      work.add(new Work.Stop());
      Uninterruptibly.run(thread::join);
    }
  }

  private void run() {
    Map<ExampleWriter, List<PendingExample>> group = new LinkedHashMap<>();
    List<Work> taken = new ArrayList<>();
    boolean stopped = false;
    while (!stopped) {
      taken.clear();
      while (throwAway(kept.takeExpired(), "its stream broke long ago")) {}
      try {
        Work first = work.poll(LOOK_THROUGH.toNanos(), TimeUnit.NANOSECONDS);
        if (first == null) {
          continue;
        }
        taken.add(first);
      } catch (InterruptedException e) {
        log.warn("{}: interrupted, which nobody should do: going on", thread.getName());
        continue;
      }
      work.drainTo(taken, MAX_GROUP - 1);
      for (Work next : taken) {
        if (next instanceof Work.Append append) {
          append.writer().write(append.example());
          group.computeIfAbsent(append.writer(), writer -> new ArrayList<>()).add(append.example());
        } else {
          sync(group);
          if (next instanceof Work.Then then) {
            guarded(then.action());
          } else {
            stopped = true;
          }
        }
      }
      sync(group);
    }
  }

  private static void sync(Map<ExampleWriter, List<PendingExample>> group) {
    group.forEach((writer, examples) -> guarded(() -> writer.sync(examples)));
    group.clear();
  }

  /** The thread must outlive whatever one upload does to it. */
  private static void guarded(Runnable action) {
    try {
      action.run();
    } catch (RuntimeException e) {
      log.error("An upload failed in an unforeseen way", e);
    }
  }

  /** Deletes an upload's files; what cannot be deleted now goes at the next start. */
  void deleteUpload(String uploadId) {
    try {
      store.deleteUpload(uploadId);
    } catch (IOException e) {
      log.warn("upload {}: cannot be deleted", uploadId, e);
    }
  }

  static ServingException closing() {
    return new ServingException(
        ErrorCode.UNAVAILABLE, "CLOSING", "training: closing (expected: a running server)");
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }
}
