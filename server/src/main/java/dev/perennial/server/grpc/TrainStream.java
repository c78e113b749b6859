package dev.perennial.server.grpc;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.training.TrainingJob;
import dev.perennial.server.training.TrainingJobs;
import dev.perennial.server.training.TrainingSpec;
import dev.perennial.server.training.Upload;
import dev.perennial.server.training.UploadMode;
import dev.perennial.server.training.UploadOpening;
import dev.perennial.v1.Example;
import dev.perennial.v1.ExampleRejected;
import dev.perennial.v1.ExamplesSpooled;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One Train stream: a spec, examples, a commit; then the job until it has ended. Everything runs on
 * the call's event loop.
 *
 * <p>Examples that wait for the disk are bounded in count and bytes: at the bound the stream is not
 * read on. A stream that ends before its commit throws the upload away; one that breaks leaves it
 * to be resumed, where the caller gave a request id; after the commit the job belongs to the
 * server.
 */
final class TrainStream implements MessageStream<TrainRequest> {
  /** An acknowledgement is due after so many examples, or so long after the first of them. */
  private static final int ACKNOWLEDGED_EXAMPLES = 64;

  private static final long ACKNOWLEDGE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private enum Phase {
    SPEC,
    OPENING,
    EXAMPLES,
    COMMITTING,
    FOLLOWING
  }

  private final Call<TrainRequest, TrainResponse> call;
  private final GrpcConfig config;
  private final ClipConfig model;
  private final ImageDecoder.Limits limits;
  private final TrainingJobs jobs;
  private final StorePool store;

  private Phase phase = Phase.SPEC;
  private @Nullable CompletableFuture<UploadOpening> opening;
  private @Nullable Upload upload;
  private @Nullable Runnable unfollow;
  private boolean asked;
  private boolean halfClosed;
  private boolean handedOver;

  /** Places of the examples that are neither on disk nor rejected; at most the bound. */
  private final TreeSet<Long> inFlight = new TreeSet<>();

  private long inFlightBytes;
  private long nextIndex;
  private long acknowledged;
  private long acknowledgedNanos = System.nanoTime();
  private boolean acknowledgeLater;

  TrainStream(
      Call<TrainRequest, TrainResponse> call,
      GrpcConfig config,
      ClipConfig model,
      ImageDecoder.Limits limits,
      TrainingJobs jobs,
      StorePool store) {
    this.call = call;
    this.config = config;
    this.model = model;
    this.limits = limits;
    this.jobs = jobs;
    this.store = store;
    call.onWritable(
        () -> {
          acknowledge();
          readOn();
        });
    readOn();
  }

  @Override
  public void message(TrainRequest message, int bytes) {
    asked = false;
    if (phase != Phase.FOLLOWING) { // what comes behind a commit or a known request id is dropped
      switch (message.getPartCase()) {
        case SPEC -> open(message);
        case EXAMPLE -> add(message.getExample(), bytes);
        case COMMIT -> commit();
        case PART_NOT_SET ->
            throw ServingException.invalid(
                "MISSING_PART", "part", "part: not set (expected: spec, example or commit)");
      }
    }
    readOn();
  }

  @Override
  public void halfClosed() {
    halfClosed = true;
    if (phase != Phase.COMMITTING && phase != Phase.FOLLOWING && phase != Phase.OPENING) {
      throw notCommitted();
    }
  }

  @Override
  @SuppressWarnings("FutureReturnValueIgnored") // nothing follows
  public void closed() {
    if (unfollow != null) {
      unfollow.run();
    }
    if (opening != null && !handedOver) {
      opening.thenAccept(this::leave);
    }
  }

  private void open(TrainRequest request) {
    if (phase != Phase.SPEC) {
      throw ServingException.invalid(
          "SECOND_SPEC", "spec", "specs: 2 (expected: 1, before the examples)");
    }
    TrainingSpec spec = TrainRequests.spec(request.getSpec(), model);
    UploadMode mode = TrainRequests.mode(request.getSpec());
    phase = Phase.OPENING;
    CompletableFuture<UploadOpening> opened = store.submit(() -> jobs.open(spec, mode));
    opening = opened;
    Futures.onDone(opened, call, result -> opened(result, mode), call::fail);
  }

  private void opened(UploadOpening opened, UploadMode mode) {
    if (opened instanceof UploadOpening.Made made) {
      follow(made.job());
    } else if (halfClosed) {
      throw notCommitted();
    } else if (opened instanceof UploadOpening.Open open) {
      upload = open.upload();
      nextIndex = open.upload().resumed();
      phase = Phase.EXAMPLES;
      if (mode == UploadMode.RESUMED) {
        sendAcknowledgement();
      }
      readOn();
    }
  }

  private void add(Example example, int bytes) {
    Upload open = openUpload();
    long index = nextIndex++;
    CompletableFuture<Long> spooled;
    try {
      spooled =
          open.add(
              TrainRequests.image(example.getImage(), limits, model.imageSize()),
              example.getLabel());
    } catch (ServingException invalid) {
      spooled = open.reject(invalid);
    }
    inFlight.add(index);
    inFlightBytes += bytes;
    Futures.onDone(
        spooled,
        call,
        count -> done(index, bytes),
        failure -> {
          reject(index, TrainRequests.inExample(failure));
          done(index, bytes);
        });
  }

  /** A fault of the example is its own; anything else ends the upload. */
  private void reject(long index, Throwable failure) {
    boolean own =
        failure instanceof ServingException serving && serving.code() == ErrorCode.INVALID_ARGUMENT;
    if (!own) {
      call.fail(failure);
      return;
    }
    call.write(
        TrainResponse.newBuilder()
            .setRejected(
                ExampleRejected.newBuilder().setIndex(index).setError(Statuses.of(failure)))
            .build());
  }

  private void done(long index, int bytes) {
    inFlight.remove(index);
    inFlightBytes -= bytes;
    acknowledge();
    if (phase == Phase.COMMITTING && inFlight.isEmpty()) {
      handOver();
    }
    readOn();
  }

  private void commit() {
    openUpload();
    phase = Phase.COMMITTING;
    if (inFlight.isEmpty()) {
      handOver();
    }
  }

  /** From here on the job is the server's, whatever becomes of the call. */
  private void handOver() {
    Upload complete = upload;
    if (complete == null || handedOver) {
      return;
    }
    handedOver = true;
    if (spooled() > acknowledged) {
      sendAcknowledgement();
    }
    Futures.onDone(complete.commit(), call, this::follow, call::fail);
  }

  private void follow(TrainingJob job) {
    phase = Phase.FOLLOWING;
    unfollow =
        JobFollower.follow(
            jobs,
            job.jobId(),
            call,
            now -> TrainResponse.newBuilder().setJob(JobMessages.message(now)).build());
    readOn();
  }

  private void acknowledge() {
    long count = spooled() - acknowledged;
    if (count == 0 || !call.writable()) {
      return;
    }
    long waited = System.nanoTime() - acknowledgedNanos;
    if (count >= ACKNOWLEDGED_EXAMPLES || waited >= ACKNOWLEDGE_NANOS) {
      sendAcknowledgement();
    } else if (!acknowledgeLater) {
      acknowledgeLater = true;
      call.later(
          TimeUnit.NANOSECONDS.toMillis(ACKNOWLEDGE_NANOS - waited) + 1,
          () -> {
            acknowledgeLater = false;
            acknowledge();
          });
    }
  }

  private void sendAcknowledgement() {
    acknowledged = spooled();
    acknowledgedNanos = System.nanoTime();
    call.write(
        TrainResponse.newBuilder()
            .setSpooled(ExamplesSpooled.newBuilder().setExamples(acknowledged))
            .build());
  }

  /** All examples before this one are on disk, or rejected. */
  private long spooled() {
    return inFlight.isEmpty() ? nextIndex : inFlight.first();
  }

  private void readOn() {
    boolean room =
        inFlight.size() < config.maxInFlightPerStream()
            && inFlightBytes < config.maxInFlightBytesPerStream();
    boolean ready = phase != Phase.OPENING && phase != Phase.COMMITTING && call.writable();
    if ((phase == Phase.FOLLOWING || (room && ready)) && !asked && !halfClosed) {
      asked = true;
      call.request();
    }
  }

  private Upload openUpload() {
    Upload open = upload;
    if (phase != Phase.EXAMPLES || open == null) {
      throw ServingException.invalid(
          "MISSING_SPEC", "spec", "spec: not set (expected: one, with the first request)");
    }
    return open;
  }

  /** A half-close was meant; what broke may be resumed. */
  private void leave(UploadOpening opened) {
    if (opened instanceof UploadOpening.Open open) {
      Closing.onPool(store, halfClosed ? open.upload() : open.upload()::keep);
    }
  }

  private static ServingException notCommitted() {
    return new ServingException(
        ErrorCode.INVALID_ARGUMENT,
        "NOT_COMMITTED",
        "the stream ended without a commit: nothing is trained, and what was sent is thrown away");
  }
}
