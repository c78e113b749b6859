package dev.perennial.server.training;

import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.device.Devices;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.task.PoolWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

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

  private final JobStore store;
  private final JobPeers peers;
  private final Spool spool;
  private final JobTable table = new JobTable();
  private final JobTransitions transitions;
  private final Uploads uploads;

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
    int checkThreads = Math.max(1, Math.min(4, Runtime.getRuntime().availableProcessors() / 2));
    this.spool = new Spool(store, config, checkThreads, nanoTime, peers);
    this.transitions =
        new JobTransitions(store, host, config, clock, nanoTime, spool, table, peers);
    this.uploads = new Uploads(spool, host, table, transitions);
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
        transitions.restore(stored);
      }
      uploads.restore();
    } catch (IOException e) {
      close();
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION, "SPOOL_UNUSABLE", "training directory: cannot be used", e);
    }
    spool.start();
    transitions.start();
    peers.start(new JobCopies(store, table, transitions, uploads));
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
   * Asks a job to stop; one that has ended stays as it is. The wish is durable on return, in a
   * cluster on two disks. Throws NOT_FOUND, UNAVAILABLE.
   */
  public TrainingJob cancel(String jobId) {
    return table.get(jobId).state().ended()
        ? table.get(jobId)
        : peers.cancel(jobId).orElseGet(() -> transitions.cancel(jobId));
  }

  /** Stops jobs between two steps; they go on at the next start. */
  @Override
  public void close() {
    spool.close();
    transitions.close();
    table.close();
  }
}
