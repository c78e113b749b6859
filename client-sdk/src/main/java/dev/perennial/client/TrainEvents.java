package dev.perennial.client;

import dev.perennial.v1.TrainResponse;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What is known of one training run, told to its listener one event at a time. Safe for any thread:
 * the monitor orders the events.
 */
final class TrainEvents {
  private final TrainingListener listener;
  private final CompletableFuture<TrainingJob> committed;
  private @Nullable TrainingJob job;
  private long heardNanos = System.nanoTime();
  private @Nullable RuntimeException listenerFailure;

  TrainEvents(TrainingListener listener, CompletableFuture<TrainingJob> committed) {
    this.listener = listener;
    this.committed = committed;
  }

  synchronized void uploading(int attempt) {
    tell(() -> listener.uploading(attempt));
  }

  synchronized void sent(long examples) {
    tell(() -> listener.sent(examples));
  }

  synchronized void resuming(PerennialException cause) {
    tell(() -> listener.resuming(cause));
  }

  synchronized void received(TrainResponse response) {
    heardNanos = System.nanoTime();
    switch (response.getEventCase()) {
      case SPOOLED -> tell(() -> listener.spooled(response.getSpooled().getExamples()));
      case REJECTED ->
          tell(
              () ->
                  listener.rejected(
                      response.getRejected().getIndex(),
                      PerennialException.of(response.getRejected().getError())));
      case JOB -> changed(TrainingJob.of(response.getJob()));
      case EVENT_NOT_SET -> {}
    }
  }

  synchronized void changed(TrainingJob now) {
    heardNanos = System.nanoTime();
    job = now;
    committed.complete(now);
    tell(() -> listener.changed(now));
  }

  /** The job as last told; null before the server told any. */
  synchronized @Nullable TrainingJob job() {
    return job;
  }

  /** When a server last said something about the run. */
  synchronized long heardNanos() {
    return heardNanos;
  }

  /** What the listener threw, where it did. */
  synchronized @Nullable RuntimeException listenerFailure() {
    return listenerFailure;
  }

  private void tell(Runnable event) {
    try {
      event.run();
    } catch (RuntimeException e) {
      listenerFailure = e;
      throw e;
    }
  }
}
