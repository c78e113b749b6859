package dev.perennial.server.training;

import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Jobs and uploads as the files that they are. Safe for any thread. */
final class JobCopies implements LocalJobs {
  private static final Logger log = LoggerFactory.getLogger(JobCopies.class);

  /** What a disk does; a failure is named. */
  private interface Work<T> {
    T run() throws IOException;
  }

  private interface OwnWork<T> {
    T run(Path own) throws IOException;
  }

  private final JobStore store;
  private final JobTable table;
  private final JobTransitions transitions;
  private final Uploads uploads;
  private final CopyFiles copies;

  JobCopies(JobStore store, JobTable table, JobTransitions transitions, Uploads uploads) {
    this.store = store;
    this.table = table;
    this.transitions = transitions;
    this.uploads = uploads;
    this.copies = new CopyFiles(store);
  }

  @Override
  public List<Held> copies() {
    return disk(
        () -> {
          List<Held> copies = new ArrayList<>();
          for (String id : store.copyIds()) {
            if (table.ended(id)) {
              deleteCopy(id); // offered, or put back, as the news of its end was on its way
            } else {
              held(id, store.copy(id)).ifPresent(copies::add);
            }
          }
          return copies;
        });
  }

  @Override
  public Optional<Held> held(String id) {
    return own(id, own -> held(id, Files.exists(own) ? own : store.copy(id)));
  }

  /** Empty where there is nothing that anybody could go on with. */
  private Optional<Held> held(String id, Path directory) throws IOException {
    try {
      boolean job = Files.exists(directory.resolve(JobStore.JOB));
      Path what = directory.resolve(job ? JobStore.JOB : JobStore.UPLOAD);
      TrainingSpec spec =
          job
              ? JobJson.read(Files.readAllBytes(what)).job().spec()
              : JobJson.readUpload(Files.readAllBytes(what));
      long bytes = Files.size(directory.resolve(JobStore.SPOOL));
      return Optional.of(new Held(id, spec.requestId(), store.lease(directory), bytes, job));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (ServingException e) {
      log.error("copy {}: left out", id, e);
      return Optional.empty();
    }
  }

  @Override
  public long spoolBytes(String id) {
    return own(
        id,
        own -> {
          Path spool = own.resolve(JobStore.SPOOL);
          return Files.exists(spool) ? Files.size(spool) : 0; // it has ended, or not begun
        });
  }

  @Override
  public byte[] readSpool(String id, long offset, int most) {
    return own(
        id,
        own -> {
          Path spool = own.resolve(JobStore.SPOOL);
          try (FileChannel channel = FileChannel.open(spool, StandardOpenOption.READ)) {
            int size = (int) Math.min(most, Math.max(0, channel.size() - offset));
            ByteBuffer bytes = ByteBuffer.allocate(size);
            while (bytes.hasRemaining() && channel.read(bytes, offset + bytes.position()) >= 0) {}
            return bytes.array();
          }
        });
  }

  @Override
  public Map<String, byte[]> files(String id) {
    return own(
        id,
        own -> {
          Map<String, byte[]> files = new LinkedHashMap<>();
          for (String name : CopyFiles.NAMES) {
            content(own.resolve(name)).ifPresent(bytes -> files.put(name, bytes));
          }
          return files;
        });
  }

  private static Optional<byte[]> content(Path file) throws IOException {
    try {
      return Optional.of(Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      return Optional.empty(); // not yet, or not any more
    }
  }

  @Override
  public void saveLease(String id, Lease lease) {
    own(
        id,
        own -> {
          store.saveLease(own, lease);
          return true;
        });
  }

  @Override
  public synchronized long openCopy(String id, Lease lease) {
    return disk(() -> copies.open(id, lease));
  }

  @Override
  public synchronized long appendCopy(String id, Lease lease, long offset, byte[] bytes) {
    return disk(() -> copies.append(id, lease, offset, bytes));
  }

  @Override
  public synchronized void putCopy(String id, Lease lease, String name, byte[] bytes) {
    disk(
        () -> {
          copies.put(id, lease, name, bytes);
          return true;
        });
  }

  @Override
  public synchronized void deleteCopy(String id) {
    disk(
        () -> {
          copies.delete(id);
          return true;
        });
  }

  @Override
  public synchronized void dropCopy(String id, Lease newest) {
    disk(
        () -> {
          copies.drop(id, newest);
          return true;
        });
  }

  @Override
  public synchronized void adopt(String id, Lease lease) {
    disk(
        () -> {
          store.saveLease(store.copy(id), lease);
          boolean job = store.takeBack(id);
          if (job) {
            transitions.restore(store.load(id));
          } else {
            uploads.restore(id);
          }
          return job;
        });
  }

  @Override
  public void abandon(String id) {
    transitions.abandon(id);
  }

  @Override
  public Optional<String> detach(String requestId) {
    return uploads.detach(requestId);
  }

  @Override
  public synchronized boolean handOver(String id) {
    return disk(() -> uploads.handOver(id));
  }

  @Override
  public void goOn() {
    transitions.goOn();
  }

  @Override
  public List<TrainingJob> jobs() {
    return table.list(null);
  }

  @Override
  public boolean ended(String jobId) {
    return table.ended(jobId);
  }

  @Override
  public boolean learn(TrainingJob job) {
    boolean learnt = transitions.learn(job);
    if (learnt && job.state().ended()) {
      deleteCopy(job.jobId());
    }
    return learnt;
  }

  @Override
  public TrainingJob cancel(String jobId) {
    return transitions.cancel(jobId);
  }

  /** Work in one's own directory: once more where a commit has moved that meanwhile. */
  private <T> T own(String id, OwnWork<T> work) {
    return disk(
        () -> {
          while (true) {
            Path own = store.own(id);
            try {
              T done = work.run(own);
              if (store.own(id).equals(own)) {
                return done;
              }
            } catch (NoSuchFileException e) {
              if (store.own(id).equals(own)) {
                throw e;
              }
            }
          }
        });
  }

  private static <T> T disk(Work<T> work) {
    try {
      return work.run();
    } catch (IOException e) {
      throw Disk.failure("copy", e);
    }
  }
}
