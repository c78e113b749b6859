package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Copies of other members' uploads and jobs as they grow. Waits for the disk; its owner sees to
 * that one thread at a time is in here.
 *
 * <p>Whatever is in a copy stays until something better is there. Under one token all spools are
 * the beginning of one file, that of the owner: so a copy grows and never shrinks, whichever
 * generation it is of and however late a message comes. Under a new token the file may be another
 * one: it is begun beside the old copy, and takes its place once it is whole, which is when the
 * first file beside the spool comes.
 */
final class CopyFiles {
  /** A copy's files beside its spool, in the order in which it needs them. */
  static final List<String> NAMES = List.of(JobStore.JOB, JobStore.UPLOAD, JobStore.CHECKPOINT);

  private final JobStore store;

  CopyFiles(JobStore store) {
    this.store = store;
  }

  /** Where that copy grows. */
  private Path growing(String id) {
    Path next = store.nextCopy(id);
    return Files.exists(next) ? next : store.copy(id);
  }

  /** Begins a copy, or goes on with one; from where its owner is to send its spool. */
  long open(String id, Lease lease) throws IOException {
    Path growing = growing(id);
    Lease present = store.lease(growing);
    if (Files.exists(growing) && Lease.AGE.compare(present, lease) > 0) {
      throw otherLease(id, present, lease);
    }
    if (!Files.exists(growing) || present.token() != lease.token()) {
      begin(id, lease);
      return 0;
    }
    long bytes = bytes(growing);
    if (present.generation() != lease.generation()) {
      store.saveLease(growing, lease);
      // The last part may not have been forced when the machine stopped: it is written again.
      return Math.max(0, bytes - LocalJobs.MAX_PART_BYTES);
    }
    append(growing, bytes, new byte[0]);
    return bytes;
  }

  private void begin(String id, Lease lease) throws IOException {
    store.disk().delete(store.nextCopy(id));
    Path directory = store.isWhole(store.copy(id)) ? store.nextCopy(id) : store.copy(id);
    store.disk().delete(directory);
    try {
      Files.createDirectory(directory);
      store.saveLease(directory, lease);
      store.disk().create(directory.resolve(JobStore.SPOOL)).close();
      store.disk().forceDirectory(directory);
      store.disk().forceDirectory(store.copies());
    } catch (IOException e) {
      store.disk().delete(directory);
      throw e;
    }
  }

  /** Part of a spool, which may be there already; the bytes up to its end. */
  long append(String id, Lease lease, long offset, byte[] bytes) throws IOException {
    Path growing = requireLease(id, lease);
    if (bytes(growing) < offset) {
      throw otherLease(id, lease, lease);
    }
    append(growing, offset, bytes);
    return offset + bytes.length;
  }

  private void append(Path growing, long offset, byte[] bytes) throws IOException {
    try (Disk.Appender appender = store.disk().writeAt(growing.resolve(JobStore.SPOOL), offset)) {
      appender.append(ByteBuffer.wrap(bytes));
      appender.force();
    }
  }

  private static long bytes(Path growing) throws IOException {
    return Files.size(growing.resolve(JobStore.SPOOL));
  }

  /** A file beside the spool. */
  void put(String id, Lease lease, String name, byte[] bytes) throws IOException {
    Path growing = requireLease(id, lease);
    if (!NAMES.contains(name)) {
      throw ServingException.invalid("BAD_COPY", "name", "file of a copy: " + name);
    }
    store.disk().replace(growing.resolve(name), bytes);
    store.saveLease(growing, lease);
    if (!growing.equals(store.copy(id)) && store.isWhole(growing)) {
      store.replaceCopy(id);
    }
  }

  private Path requireLease(String id, Lease lease) throws IOException {
    Path growing = growing(id);
    Lease present = store.lease(growing);
    if (Lease.AGE.compare(present, lease) != 0) {
      throw otherLease(id, present, lease);
    }
    return growing;
  }

  private static ServingException otherLease(String id, Lease present, Lease wanted) {
    return new ServingException(
        ErrorCode.FAILED_PRECONDITION,
        LocalJobs.OTHER_LEASE,
        "copy of " + id + ": under " + present + " (expected: " + wanted + ")");
  }

  void delete(String id) throws IOException {
    store.disk().delete(store.nextCopy(id));
    store.disk().delete(store.copy(id));
  }

  /** What is under that lease or an older one. */
  void drop(String id, Lease newest) throws IOException {
    for (Path directory : List.of(store.nextCopy(id), store.copy(id))) {
      if (Lease.AGE.compare(store.lease(directory), newest) <= 0) {
        store.disk().delete(directory);
      }
    }
  }
}
