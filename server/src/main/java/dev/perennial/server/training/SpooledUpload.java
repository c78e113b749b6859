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
import java.util.concurrent.CompletionException;
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
    CompletableFuture<TrainingJob> commit(SpooledUpload upload) throws IOException;
  }

  private static final ExampleImage NO_IMAGE = new ExampleImage.Encoded(new byte[0]);

  private final UploadStart start;
  private final Spool spool;
  private final ExampleCheck check;
  private final Committer committer;
  private final long maxExamples;
  private final Set<String> classes;
  private final FirstFailure failure = new FirstFailure();
  private final ExampleWriter writer;

  @GuardedBy("this")
  private final ArrayDeque<PendingExample> pending = new ArrayDeque<>();

  @GuardedBy("this")
  private final Map<String, Integer> examplesOf;

  @GuardedBy("this")
  private long reservedBytes;

  @GuardedBy("this")
  private long accepted;

  @GuardedBy("this")
  private @Nullable CompletableFuture<TrainingJob> commit;

  @GuardedBy("this")
  private boolean closed;

  /** Its bytes were given back; examples whose checks end later have none any more. */
  @GuardedBy("this")
  private boolean discarded;

  /** Completes when its files are another's: kept, a job's, or none. */
  private final CompletableFuture<Void> gone = new CompletableFuture<>();

  // The spool's thread only.
  private final UploadFile file;

  SpooledUpload(
      UploadStart start, Spool spool, ExampleCheck check, Committer committer, long maxExamples) {
    this.start = start;
    this.spool = spool;
    this.check = check;
    this.committer = committer;
    this.maxExamples = maxExamples;
    this.classes = new HashSet<>(start.spec().classNames());
    this.file = new UploadFile(start, spool.store());
    this.examplesOf = new TreeMap<>(start.contents().examplesOf());
    this.accepted = examplesOf.values().stream().mapToLong(count -> count).sum();
    this.reservedBytes = start.contents().bytes();
    this.writer = new ExampleWriter(start.id(), spool, file, failure, accepted);
  }

  String id() {
    return start.id();
  }

  TrainingSpec spec() {
    return start.spec();
  }

  @Override
  public long resumed() {
    return start.contents().records();
  }

  CompletableFuture<Void> gone() {
    return gone;
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
    PendingExample example;
    synchronized (this) {
      try {
        checkOpen();
        UploadRules.checkLabel(label, classes);
        example = new PendingExample(image, label, SpoolRecord.size(image, label));
        reserve(example.bytes);
      } catch (ServingException e) {
        return e.code() == ErrorCode.INVALID_ARGUMENT
            ? reject(e)
            : CompletableFuture.failedFuture(e);
      }
      pending.add(example);
    }
    try {
      spool.check(() -> checked(example, failure.get() == null ? check.fault(image) : null));
    } catch (RejectedExecutionException e) {
      checked(example, Spool.closing());
    }
    return example.done;
  }

  @Override
  public CompletableFuture<Long> reject(ServingException fault) {
    PendingExample example =
        new PendingExample(NO_IMAGE, "", start.keeps() ? SpoolRecord.REJECTION_BYTES : 0);
    synchronized (this) {
      try {
        checkOpen();
        reserve(example.bytes);
      } catch (ServingException e) {
        return CompletableFuture.failedFuture(e);
      }
      pending.add(example);
    }
    checked(example, fault);
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
    end(closedBefore("its commit"), false);
  }

  @Override
  public void keep() {
    end(closedBefore("its commit, and kept"), start.keeps());
  }

  /** The server stops. */
  void abort() {
    end(Spool.closing(), start.keeps());
  }

  /** Another server has it: whoever sends goes on there. */
  void lose() {
    failure.set(UploadRules.moved());
  }

  private static ServingException closedBefore(String what) {
    return new ServingException(
        ErrorCode.CANCELLED, "UPLOAD_CLOSED", "upload: closed before " + what);
  }

  private void end(ServingException why, boolean keep) {
    boolean useless;
    synchronized (this) {
      if (closed || commit != null) {
        return;
      }
      closed = true;
      useless = failure.get() != null;
      failure.set(why);
    }
    spool.then(keep && !useless ? this::leave : this::discard);
  }

  @GuardedBy("this")
  private void checkOpen() {
    ServingException known = failure.get();
    if (known != null) {
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
      throw failure.set(
          UploadRules.full("examples of one upload", accepted + pending.size() + 1, maxExamples));
    }
    long most = spool.config().maxSpoolBytes();
    if (reservedBytes + bytes > most) {
      throw failure.set(UploadRules.full("bytes of one upload", reservedBytes + bytes, most));
    }
    spool.acquirePending(bytes);
    try {
      spool.acquireBytes(bytes);
    } catch (ServingException e) {
      spool.releasePending(bytes);
      throw failure.set(e);
    }
    reservedBytes += bytes;
  }

  private void checked(PendingExample example, @Nullable RuntimeException fault) {
    synchronized (this) {
      example.checked = true;
      example.fault = fault;
    }
    settle();
  }

  /** Passes on all examples at the head whose checks have ended, then the commit. */
  private void settle() {
    List<PendingExample> refused = new ArrayList<>();
    synchronized (this) {
      PendingExample head;
      while ((head = pending.peek()) != null && head.checked) {
        pending.remove();
        ServingException known = failure.get();
        if (head.fault == null) {
          head.fault = known;
        }
        if (head.fault == null) {
          head.fault = UploadRules.tooManyLabels(examplesOf, head.label);
        }
        boolean rejected = head.fault != null && known == null;
        if (head.fault == null) {
          accepted++;
          examplesOf.merge(head.label, 1, Integer::sum);
          spool.append(writer, head);
        } else if (rejected && start.keeps()) {
          giveBack(head.bytes - SpoolRecord.REJECTION_BYTES);
          spool.append(writer, head);
        } else {
          spool.releasePending(head.bytes);
          giveBack(head.bytes);
          refused.add(head);
        }
      }
      if (commit != null && pending.isEmpty() && !closed) {
        closed = true;
        spool.then(this::runCommit);
      }
    }
    for (PendingExample example : refused) {
      example.done.completeExceptionally(Objects.requireNonNull(example.fault));
    }
  }

  @GuardedBy("this")
  private void giveBack(long bytes) {
    if (!discarded) {
      reservedBytes -= bytes;
      spool.releaseBytes(bytes);
    }
  }

  private void runCommit() {
    CompletableFuture<TrainingJob> future;
    RuntimeException fault;
    synchronized (this) {
      future = Objects.requireNonNull(commit);
      fault = failure.get();
    }
    CompletableFuture<TrainingJob> made;
    try {
      if (fault != null) {
        throw fault;
      }
      file.close();
      made = committer.commit(this);
    } catch (IOException e) {
      made = CompletableFuture.failedFuture(Disk.failure("commit", e));
    } catch (RuntimeException e) {
      made = CompletableFuture.failedFuture(e);
    }
    var unused = made.whenComplete((job, e) -> committed(future, job, e));
  }

  private void committed(
      CompletableFuture<TrainingJob> future, @Nullable TrainingJob job, @Nullable Throwable e) {
    if (job != null && job.jobId().equals(id())) {
      spool.releaseUpload(this); // its bytes are the job's now
      gone.complete(null);
    } else {
      discard(); // or this request had made that job before
    }
    if (job == null) {
      Throwable cause = e instanceof CompletionException ? e.getCause() : e;
      future.completeExceptionally(Objects.requireNonNull(cause));
    } else {
      future.complete(job);
    }
  }

  /** Leaves what is on disk for an upload that goes on; the spool's thread, once. */
  private void leave() {
    if (file.bytes() == 0) {
      discard();
      return;
    }
    try {
      file.force();
      file.close();
    } catch (IOException e) {
      failure.set(Disk.failure("upload", e));
      discard();
      return;
    }
    synchronized (this) {
      giveBack(reservedBytes - file.bytes());
      discarded = true; // what is still being checked has no bytes any more
    }
    spool.releaseUpload(this);
    spool.keep(new KeptUploads.Kept(id(), spec(), file.bytes()));
    gone.complete(null);
  }

  /** Throws everything away; the spool's thread, once. */
  void discard() {
    try {
      file.close();
    } catch (IOException e) {
      failure.set(Disk.failure("upload", e));
    }
    spool.deleteUpload(id());
    spool.peers().dropped(id());
    synchronized (this) {
      giveBack(reservedBytes);
      discarded = true;
    }
    spool.releaseUpload(this);
    gone.complete(null);
  }
}
