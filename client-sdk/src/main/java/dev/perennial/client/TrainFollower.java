package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.TrainingServiceGrpc;
import dev.perennial.v1.WatchTrainingJobRequest;
import dev.perennial.v1.WatchTrainingJobResponse;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.Iterator;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Brings one training run to its end over as many streams, and members, as that takes. Until its
 * job is known a broken upload goes on under the same request id where its examples were
 * acknowledged; then the job is watched by its id. Runs on one thread; interrupting the thread
 * stops it.
 */
final class TrainFollower {
  private final Connection connection;
  private final TrainEvents events;

  /** Failures since a server was last heard. */
  private int failures;

  /** When the first of them came: a source that pauses for long is no silence of the servers. */
  private long failingNanos;

  private long heardBefore;

  /** The member that was left or lost last: another channel may not have noticed yet. */
  private Set<String> avoided = Set.of();

  TrainFollower(Connection connection, TrainEvents events) {
    this.connection = connection;
    this.events = events;
  }

  /** Uploads and follows the job to its end. */
  TrainingJob train(TrainingSpec spec, Examples examples) throws InterruptedException {
    try (UploadWindow window = new UploadWindow(examples)) {
      for (int tries = 1; events.job() == null; tries++) {
        TrainUpload upload = new TrainUpload(connection, spec, events, window, tries > 1, avoided);
        try {
          events.uploading(tries);
          upload.run();
          if (events.job() == null) {
            throw new PerennialException(Code.UNAVAILABLE, "upload: ended without a job");
          }
        } catch (PerennialException e) {
          boolean mayGoOn = events.job() != null ? mayReadAgain(e) : RetryPolicy.mayRepeat(e);
          if (!mayGoOn) {
            throw e;
          }
          avoid(upload.route());
          pauseOrThrow(e);
        }
      }
    }
    TrainingJob job = Objects.requireNonNull(events.job());
    return job.state().ended() ? job : watch(job.jobId());
  }

  /** Follows a job to its end. */
  TrainingJob watch(String jobId) throws InterruptedException {
    WatchTrainingJobRequest request = WatchTrainingJobRequest.newBuilder().setJobId(jobId).build();
    while (true) {
      Route route = new Route(avoided);
      try {
        Iterator<WatchTrainingJobResponse> changes =
            ClientCalls.blockingServerStreamingCall(
                connection.newCall(
                    TrainingServiceGrpc.getWatchTrainingJobMethod(),
                    connection.config().streamDeadline(),
                    route),
                request);
        while (hasNext(changes)) {
          TrainingJob job = TrainingJob.of(changes.next().getJob());
          events.changed(job);
          if (job.state().ended()) {
            return job;
          }
        }
        throw new PerennialException(Code.UNAVAILABLE, "watch: ended before the job");
      } catch (PerennialException e) {
        // A member that has just taken a job over, or come back, may not know it yet.
        boolean moving = e.code() == Code.NOT_FOUND && events.job() != null;
        if (!moving && !mayReadAgain(e)) {
          throw e;
        }
        avoid(route);
        pauseOrThrow(e);
      }
    }
  }

  private void avoid(Route route) {
    String address = route.address();
    avoided = address == null ? Set.of() : Set.of(address);
  }

  private static boolean hasNext(Iterator<WatchTrainingJobResponse> changes) {
    try {
      return changes.hasNext();
    } catch (io.grpc.StatusRuntimeException e) {
      throw PerennialException.of(e);
    }
  }

  /** Reading again harms nothing: only what will not change is final. */
  private static boolean mayReadAgain(PerennialException e) {
    return e.retryAfter() != null
        || switch (e.code()) {
          case UNAVAILABLE, UNKNOWN, INTERNAL, CANCELLED -> true;
          case INVALID_ARGUMENT,
              DEADLINE_EXCEEDED,
              NOT_FOUND,
              ALREADY_EXISTS,
              RESOURCE_EXHAUSTED,
              ABORTED,
              PERMISSION_DENIED,
              FAILED_PRECONDITION,
              OUT_OF_RANGE,
              UNIMPLEMENTED,
              DATA_LOSS,
              UNAUTHENTICATED ->
              false;
        };
  }

  private void pauseOrThrow(PerennialException e) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    @Nullable RuntimeException listenerFailure = events.listenerFailure();
    if (listenerFailure != null) {
      throw listenerFailure;
    }
    long now = System.nanoTime();
    if (failures == 0 || events.heardNanos() != heardBefore) {
      failures = 0;
      failingNanos = now;
      heardBefore = events.heardNanos();
    }
    failures++;
    Duration silence = Duration.ofNanos(now - failingNanos);
    if (silence.compareTo(connection.config().resumePatience()) > 0) {
      throw e;
    }
    events.resuming(e);
    TimeUnit.NANOSECONDS.sleep(connection.retries().delay(e, failures).toNanos());
  }
}
