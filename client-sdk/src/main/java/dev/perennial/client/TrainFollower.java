package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.ListTrainingJobsRequest;
import dev.perennial.v1.ListTrainingJobsResponse;
import dev.perennial.v1.TrainingServiceGrpc;
import dev.perennial.v1.WatchTrainingJobRequest;
import dev.perennial.v1.WatchTrainingJobResponse;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Brings one training run to its end over as many streams as that takes. Before the commit a broken
 * upload is repeated under the same request id, if its source can be read again; after the commit
 * the job is found by its request id, or watched by its job id. Runs on one thread; interrupting
 * the thread stops it.
 */
final class TrainFollower {
  /** Pages of the job list that are searched for a request id. */
  private static final int MAX_PAGES = 10;

  private final Connection connection;
  private final TrainEvents events;

  TrainFollower(Connection connection, TrainEvents events) {
    this.connection = connection;
    this.events = events;
  }

  /** Uploads and follows the job to its end. */
  TrainingJob train(TrainingSpec spec, Examples examples) throws InterruptedException {
    @Nullable PerennialException broken = null;
    for (int tries = 1; ; tries++) {
      try {
        if (broken != null && events.commitSent() && events.job() == null) {
          find(spec);
        }
        TrainingJob job = events.job();
        if (job != null) {
          return job.state().ended() ? job : watch(job.jobId());
        }
        if (broken != null && !mayUploadAgain(broken, examples)) {
          throw broken;
        }
        upload(spec, examples, tries);
      } catch (PerennialException e) {
        boolean mayGoOn =
            (events.job() != null || events.commitSent())
                ? mayReadAgain(e)
                : mayUploadAgain(e, examples);
        if (e == broken || !mayGoOn) {
          throw e;
        }
        broken = e;
        pauseOrThrow(e, tries);
      }
    }
  }

  /** Follows a job to its end. */
  TrainingJob watch(String jobId) throws InterruptedException {
    for (int failures = 1; ; failures++) {
      try {
        Iterator<WatchTrainingJobResponse> changes =
            ClientCalls.blockingServerStreamingCall(
                connection.channel(),
                TrainingServiceGrpc.getWatchTrainingJobMethod(),
                connection.options(connection.config().streamDeadline()),
                WatchTrainingJobRequest.newBuilder().setJobId(jobId).build());
        while (hasNext(changes)) {
          failures = 1;
          TrainingJob job = TrainingJob.of(changes.next().getJob());
          events.changed(job);
          if (job.state().ended()) {
            return job;
          }
        }
        throw new PerennialException(Code.UNAVAILABLE, "watch: ended before the job");
      } catch (PerennialException e) {
        if (!mayReadAgain(e)) {
          throw e;
        }
        pauseOrThrow(e, failures);
      }
    }
  }

  private static boolean hasNext(Iterator<WatchTrainingJobResponse> changes) {
    try {
      return changes.hasNext();
    } catch (io.grpc.StatusRuntimeException e) {
      throw PerennialException.of(e);
    }
  }

  private void upload(TrainingSpec spec, Examples examples, int attempt)
      throws InterruptedException {
    events.uploading(attempt);
    Iterator<Example> source = examples.open();
    try {
      new TrainUpload(connection, spec, events).run(source);
    } finally {
      if (source instanceof AutoCloseable closeable) {
        close(closeable);
      }
    }
    if (events.job() == null) {
      throw new PerennialException(Code.UNAVAILABLE, "upload: ended without a job");
    }
  }

  private static void close(AutoCloseable source) {
    try {
      source.close();
    } catch (Exception e) {
      throw new IllegalStateException("examples: not closed", e);
    }
  }

  /** Looks for the job of the request; tells it where there is one. */
  private void find(TrainingSpec spec) {
    String page = "";
    for (int i = 0; i < MAX_PAGES; i++) {
      ListTrainingJobsRequest request =
          ListTrainingJobsRequest.newBuilder().setTask(spec.task()).setPageToken(page).build();
      ListTrainingJobsResponse found =
          Blocking.get(
              RetryingCall.start(
                  connection,
                  false,
                  connection.config().deadline(),
                  (left, route) ->
                      connection.unary(
                          TrainingServiceGrpc.getListTrainingJobsMethod(),
                          request,
                          jobs -> jobs,
                          left,
                          route)));
      for (dev.perennial.v1.TrainingJob job : found.getJobsList()) {
        if (job.getRequestId().equals(spec.requestId())) {
          events.changed(TrainingJob.of(job));
          return;
        }
      }
      page = found.getNextPageToken();
      if (page.isEmpty()) {
        return;
      }
    }
  }

  private static boolean mayUploadAgain(PerennialException e, Examples examples) {
    return examples.repeatable() && RetryPolicy.mayRepeat(e);
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

  private void pauseOrThrow(PerennialException e, int failures) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    @Nullable RuntimeException listenerFailure = events.listenerFailure();
    if (listenerFailure != null) {
      throw listenerFailure;
    }
    Duration silence = Duration.ofNanos(System.nanoTime() - events.heardNanos());
    if (silence.compareTo(connection.config().resumePatience()) > 0) {
      throw e;
    }
    events.resuming(e);
    TimeUnit.NANOSECONDS.sleep(connection.retries().delay(e, failures).toNanos());
  }
}
