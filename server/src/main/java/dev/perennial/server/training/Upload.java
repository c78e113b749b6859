package dev.perennial.server.training;

import java.util.concurrent.CompletableFuture;

/**
 * The examples of one job on their way to the disk. One caller at a time; closing without commit
 * throws them away.
 */
public interface Upload extends AutoCloseable {
  /**
   * Spools one example; completes when it is safely on disk (fsync is shared by many), with the
   * number of examples that are; fails with INVALID_ARGUMENT for this example alone, or with
   * RESOURCE_EXHAUSTED (spool full, disk full) for the upload.
   *
   * @param image one of the three forms of an image
   */
  CompletableFuture<Long> add(ExampleImage image, String label);

  /** Everything was sent: makes the job, durably. */
  CompletableFuture<TrainingJob> commit();

  @Override
  void close();
}
