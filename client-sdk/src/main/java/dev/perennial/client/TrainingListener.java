package dev.perennial.client;

/**
 * Hears how a training run goes on. Called by one thread at a time, in the order of events, on the
 * client's threads: a slow listener slows its own run down, nothing else. An exception thrown here
 * ends the run's upload or watch and fails its future; a committed job goes on at the server.
 */
public interface TrainingListener {
  /** Hears nothing. */
  TrainingListener NONE = new TrainingListener() {};

  /** The upload begins, or goes on after a broken connection with what was not acknowledged. */
  default void uploading(int attempt) {}

  /** So many examples have been handed to the connection, counted from the start of the upload. */
  default void sent(long examples) {}

  /** So many would survive a crash of the server, counted from the start of the upload. */
  default void spooled(long examples) {}

  /** One example cannot be used; the others can. The first example has index 0. */
  default void rejected(long index, PerennialException error) {}

  /** The job, from the commit on, whenever it changes; the last one has ended. */
  default void changed(TrainingJob job) {}

  /** The stream broke and the job, or the upload, is taken up again. */
  default void resuming(PerennialException cause) {}
}
