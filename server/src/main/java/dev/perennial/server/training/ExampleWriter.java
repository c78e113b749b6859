package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The last part of an upload's way: examples in their final order are appended, synced together,
 * copied to a second disk, and only then is their caller told how many are safe. {@link #write} and
 * {@link #sync} are the spool's thread's; callers are told there, or on a thread that copies.
 */
final class ExampleWriter {
  private final String id;
  private final Spool spool;
  private final UploadFile file;
  private final FirstFailure failure;
  private final AtomicLong safe;

  /**
   * @param safe accepted examples that are on disk already
   */
  ExampleWriter(String id, Spool spool, UploadFile file, FirstFailure failure, long safe) {
    this.id = id;
    this.spool = spool;
    this.file = file;
    this.failure = failure;
    this.safe = new AtomicLong(safe);
  }

  /** Appends an example; its future is completed by {@link #sync}. */
  void write(PendingExample example) {
    if (failure.get() != null) {
      return;
    }
    try {
      if (example.fault == null) {
        file.append(SpoolRecord.encode(example.image, example.label));
      } else {
        file.append(SpoolRecord.rejection());
      }
    } catch (NoSuchFileException e) { // as it was gone on with, it was abandoned
      failure.set(UploadRules.moved());
    } catch (IOException e) {
      failure.set(Disk.failure("upload", e));
    }
  }

  /** One sync for all of these. */
  void sync(List<PendingExample> examples) {
    ServingException failed = failure.get();
    try {
      if (failed == null) {
        file.force();
      }
    } catch (IOException e) {
      failed = failure.set(Disk.failure("upload", e));
    }
    if (failed == null) {
      var unused =
          spool
              .peers()
              .copied(id)
              .whenComplete((copied, e) -> tell(examples, e == null ? null : copyFailed(e)));
    } else {
      tell(examples, failed);
    }
  }

  private ServingException copyFailed(Throwable e) {
    return failure.set(
        e instanceof ServingException serving
            ? serving
            : new ServingException(
                ErrorCode.UNAVAILABLE, "NOT_COPIED", "upload: not on a second disk", e));
  }

  private void tell(List<PendingExample> examples, @Nullable ServingException failed) {
    for (PendingExample example : examples) {
      spool.releasePending(example.bytes);
      RuntimeException own = failed == null ? example.fault : failed;
      if (own == null) {
        example.done.complete(safe.incrementAndGet());
      } else {
        example.done.completeExceptionally(own);
      }
    }
  }
}
