package dev.perennial.server.training;

import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.device.Devices;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.task.TaskPool;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** All training jobs of this server; they survive its restart. Safe for any thread. */
public final class TrainingJobs implements AutoCloseable {
  public TrainingJobs(
      Path directory,
      ModelDirectory model,
      Devices devices,
      TaskPool pool,
      ImageDecoder decoder,
      TrainingConfig config) {
    throw new UnsupportedOperationException();
  }

  /** Loads the jobs on disk; those that had not ended start again. */
  public void start() {
    throw new UnsupportedOperationException();
  }

  /** The job that this request id has already made. */
  public Optional<TrainingJob> findRequest(String requestId) {
    throw new UnsupportedOperationException();
  }

  /** Begins an upload; throws INVALID_ARGUMENT (bad spec), RESOURCE_EXHAUSTED (too many). */
  public Upload open(TrainingSpec spec) {
    throw new UnsupportedOperationException();
  }

  /** Throws NOT_FOUND. */
  public TrainingJob job(String jobId) {
    throw new UnsupportedOperationException();
  }

  /** Newest first; only one task's where named. */
  public List<TrainingJob> jobs(@Nullable String task) {
    throw new UnsupportedOperationException();
  }

  /**
   * Calls with the job now and at every change until it has ended; slow listeners miss states in
   * between, never the last. Close the result to stop. Throws NOT_FOUND.
   */
  public AutoCloseable watch(String jobId, Consumer<TrainingJob> listener) {
    throw new UnsupportedOperationException();
  }

  /** Asks a job to stop; one that has ended stays as it is. Throws NOT_FOUND. */
  public TrainingJob cancel(String jobId) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
