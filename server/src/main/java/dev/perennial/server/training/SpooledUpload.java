package dev.perennial.server.training;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * One upload on its way to a job. An example waits in {@link #pending} until its check and those of
 * all before it are done, so the spool has the caller's order although checks run side by side.
 * Futures are completed by the spool's thread or by a check's: what hangs on them must be short.
 *
 * <p>The first failure that makes the upload useless (a bound, the disk) is kept: every later
 * example and the commit fail with it.
 */
final class SpooledUpload implements Upload {

  /**
   * What a finished upload becomes; called on the spool's thread. The job has the upload's id, or
   * is an older one that the same request made.
   */
  interface Committer {
    TrainingJob commit(SpooledUpload upload) throws IOException;
  }

  /** An example between {@link #add} and its sync. */
  static final class Pending {
    final ExampleImage image;
    final String label;
    final long bytes;
    final CompletableFuture<Long> done = new CompletableFuture<>();

    /** Guarded by the upload: set once the check has ended, with its fault or none. */
    boolean checked;

    @Nullable RuntimeException fault;

    Pending(ExampleImage image, String label, long bytes) {
      this.image = image;
      this.label = label;
      this.bytes = bytes;
    }
  }

  private final String id;
  private final TrainingSpec spec;
  private final Spool spool;
  private final ExampleCheck check;
  private final Committer committer;
  private final long maxExamples;
  private final Set<String> classes;

  @GuardedBy("this")
  private final ArrayDeque<Pending> pending = new ArrayDeque<>();

  @GuardedBy("this")
  private final Map<String, Integer> examplesOf = new TreeMap<>();

  @GuardedBy("this")
  private long reservedBytes;

  @GuardedBy("this")
  private long accepted;

  @GuardedBy("this")
  private @Nullable RuntimeException failure;

  @GuardedBy("this")
  private @Nullable CompletableFuture<TrainingJob> commit;

  @GuardedBy("this")
  private boolean closed;

  /** Its bytes were given back; examples whose checks end later have none any more. */
  @GuardedBy("this")
  private boolean discarded;

  // The spool's thread only.
  private Disk.@Nullable Appender file;
  private long durable;

  SpooledUpload(
      String id,
      TrainingSpec spec,
      Spool spool,
      ExampleCheck check,
      Committer committer,
      long maxExamples) {
    this.id = id;
    this.spec = spec;
    this.spool = spool;
    this.check = check;
    this.committer = committer;
    this.maxExamples = maxExamples;
    this.classes = new HashSet<>(spec.classNames());
  }

  String id() {
    return id;
  }

  TrainingSpec spec() {
    return spec;
  }

  /** Accepted examples by label, labels sorted; final once the commit runs. */
  synchronized Map<String, Integer> examplesOf() {
    return new TreeMap<>(examplesOf);
  }

  synchronized long accepted() {
    return accepted;
  }

  synchronized long reservedBytes() {
    return reservedBytes;
  }

  @Override
  public CompletableFuture<Long> add(ExampleImage image, String label) {
    Pending example;
    synchronized (this) {
      try {
        checkOpen();
        UploadRules.checkLabel(label, classes);
        example = new Pending(image, label, SpoolRecord.size(image, label));
        reserve(example.bytes);
      } catch (ServingException e) {
        return CompletableFuture.failedFuture(e);
      }
      pending.add(example);
    }
    try {
      spool.check(() -> checked(example, failure() == null ? check.fault(image) : null));
    } catch (RejectedExecutionException e) {
      checked(example, Spool.closing());
    }
    return example.done;
  }

  @Override
  public CompletableFuture<TrainingJob> commit() {
    CompletableFuture<TrainingJob> future = new CompletableFuture<>();
    synchronized (this) {
      if (commit != null) {
        return commit;
      }
      try {
        checkOpen();
      } catch (ServingException e) {
        return CompletableFuture.failedFuture(e);
      }
      commit = future;
    }
    settle();
    return future;
  }

  /** After a commit this does nothing; before, whatever waits fails with CANCELLED. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed || commit != null) {
        return;
      }
      closed = true;
      fail(
          new ServingException(
              ErrorCode.CANCELLED, "UPLOAD_CLOSED", "upload: closed before its commit"));
    }
    spool.then(this::discard);
  }

  /** The server stops: without a commit this upload ends. */
  void abort() {
    synchronized (this) {
      if (closed || commit != null) {
        return;
      }
      closed = true;
      fail(Spool.closing());
    }
    spool.then(this::discard);
  }

  private synchronized @Nullable RuntimeException failure() {
    return failure;
  }

  @GuardedBy("this")
  private void checkOpen() {
    if (failure instanceof ServingException known) {
      throw known;
    }
    if (commit != null) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION, "UPLOAD_COMMITTED", "upload: committed (expected: open)");
    }
  }

  /** All bounds at once; a bound of the upload as a whole makes it fail. */
  @GuardedBy("this")
  private void reserve(long bytes) {
    UploadRules.checkSize(bytes);
    if (accepted + pending.size() >= maxExamples) {
      throw fail(
          UploadRules.full("examples of one upload", accepted + pending.size() + 1, maxExamples));
    }
    long most = spool.config().maxSpoolBytes();
    if (reservedBytes + bytes > most) {
      throw fail(UploadRules.full("bytes of one upload", reservedBytes + bytes, most));
    }
    spool.acquirePending(bytes);
    try {
      spool.acquireBytes(bytes);
    } catch (ServingException e) {
      spool.releasePending(bytes);
      throw fail(e);
    }
    reservedBytes += bytes;
  }

  @GuardedBy("this")
  private ServingException fail(ServingException e) {
    if (failure == null) {
      failure = e;
    }
    return e;
  }

  private void checked(Pending example, @Nullable RuntimeException fault) {
    synchronized (this) {
      example.checked = true;
      example.fault = fault;
    }
    settle();
  }

  /** Passes on all examples at the head whose checks have ended, then the commit. */
  private void settle() {
    List<Pending> refused = new ArrayList<>();
    synchronized (this) {
      Pending head;
      while ((head = pending.peek()) != null && head.checked) {
        pending.remove();
        if (head.fault == null) {
          head.fault = failure;
        }
        if (head.fault == null) {
          head.fault = UploadRules.tooManyLabels(examplesOf, head.label);
        }
        if (head.fault == null) {
          accepted++;
          examplesOf.merge(head.label, 1, Integer::sum);
          spool.append(this, head);
        } else {
          spool.releasePending(head.bytes);
          if (!discarded) {
            reservedBytes -= head.bytes;
            spool.releaseBytes(head.bytes);
          }
          refused.add(head);
        }
      }
      if (commit != null && pending.isEmpty() && !closed) {
        closed = true;
        spool.then(this::runCommit);
      }
    }
    for (Pending example : refused) {
      example.done.completeExceptionally(Objects.requireNonNull(example.fault));
    }
  }

  /** Appends an example; its future is completed by {@link #sync}. */
  void write(Pending example, JobStore store) {
    synchronized (this) {
      if (failure != null) {
        return;
      }
    }
    try {
      if (file == null) {
        file = store.createSpool(id);
      }
      file.append(SpoolRecord.encode(example.image, example.label));
      durable++;
    } catch (IOException e) {
      diskFailed(e);
    }
  }

  /** One sync for all of these. */
  void sync(List<Pending> examples) {
    RuntimeException fault;
    synchronized (this) {
      fault = failure;
    }
    try {
      if (fault == null && file != null) {
        file.force();
      }
    } catch (IOException e) {
      fault = diskFailed(e);
    }
    for (Pending example : examples) {
      spool.releasePending(example.bytes);
    }
    for (int i = 0; i < examples.size(); i++) {
      if (fault == null) {
        examples.get(i).done.complete(durable - examples.size() + i + 1);
      } else {
        examples.get(i).done.completeExceptionally(fault);
      }
    }
  }

  private synchronized ServingException diskFailed(IOException e) {
    return fail(Disk.failure("upload", e));
  }

  private void runCommit() {
    CompletableFuture<TrainingJob> future;
    RuntimeException fault;
    synchronized (this) {
      future = Objects.requireNonNull(commit);
      fault = failure;
    }
    TrainingJob job = null;
    if (fault == null) {
      try {
        closeFile();
        job = committer.commit(this);
      } catch (IOException e) {
        fault = Disk.failure("commit", e);
      } catch (RuntimeException e) {
        fault = e;
      }
    }
    if (job == null) {
      discard();
      future.completeExceptionally(Objects.requireNonNull(fault));
    } else {
      if (job.jobId().equals(id)) {
        spool.releaseUpload(this); // its bytes are the job's now
      } else {
        discard(); // this request had made that job before
      }
      future.complete(job);
    }
  }

  /** Throws everything away; the spool's thread, once. */
  void discard() {
    try {
      closeFile();
    } catch (IOException e) {
      diskFailed(e);
    }
    spool.deleteUpload(id);
    synchronized (this) {
      discarded = true;
      spool.releaseBytes(reservedBytes);
      reservedBytes = 0;
    }
    spool.releaseUpload(this);
  }

  private void closeFile() throws IOException {
    if (file != null) {
      Disk.Appender open = file;
      file = null;
      open.close();
    }
  }
}
