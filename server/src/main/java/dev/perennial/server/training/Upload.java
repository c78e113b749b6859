package dev.perennial.server.training;

import dev.perennial.server.error.ServingException;
import java.util.concurrent.CompletableFuture;

/**
 * The examples of one job on their way to the disk. One caller at a time; closing without commit
 * throws them away. An upload that is resumed begins behind the examples that were dealt with
 * before.
 */
public interface Upload extends AutoCloseable {
  /** Examples, from the first, that need not be sent again. */
  long resumed();

  /**
   * Spools one example; completes when it is safely on disk (fsync is shared by many), with the
   * number of examples that are; fails with INVALID_ARGUMENT for this example alone, or with
   * RESOURCE_EXHAUSTED (spool full, disk full) for the upload.
   *
   * @param image one of the three forms of an image
   */
  CompletableFuture<Long> add(ExampleImage image, String label);

  /**
   * Takes note of an example that cannot even be read; fails with its fault once that is safely on
   * disk.
   */
  CompletableFuture<Long> reject(ServingException fault);

  /** Everything was sent: makes the job, durably. */
  CompletableFuture<TrainingJob> commit();

  /** The caller is gone: what is on disk is kept for a while, where it can be resumed. */
  void keep();

  @Override
  void close();
}
