package dev.perennial.server.device;

import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.task.TaskPool;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * All devices of this server. Safe for any thread; nothing here blocks but {@link #start} and
 * {@link #close}.
 */
public final class Devices implements AutoCloseable {
  public Devices(ModelDirectory model, TaskPool pool, DevicesConfig config) {
    throw new UnsupportedOperationException();
  }

  /** Loads the model on every device; fails as a whole where one device fails. */
  public void start() {
    throw new UnsupportedOperationException();
  }

  /**
   * Queues one image. Fails at once with RESOURCE_EXHAUSTED where the queue is full or the expected
   * wait exceeds the deadline; later with DEADLINE_EXCEEDED, NOT_FOUND (unknown task), UNAVAILABLE
   * (closing). Cancel the future to give up.
   */
  public CompletableFuture<Classification> classify(ImageQuery query) {
    throw new UnsupportedOperationException();
  }

  /** The same for features. */
  public CompletableFuture<Embedding> embed(EmbedQuery query) {
    throw new UnsupportedOperationException();
  }

  /** The workers, in the order of the configuration. */
  public List<DeviceWorker> workers() {
    throw new UnsupportedOperationException();
  }

  /** Completes when every device serves that epoch or a later one. */
  public CompletableFuture<Void> installed(long epoch) {
    throw new UnsupportedOperationException();
  }

  /** Requests queued or running. */
  public int inFlight() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
