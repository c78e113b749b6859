package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.Commit;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingServiceGrpc;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One Train stream: spec, examples as fast as the server takes them, commit, then the job's events.
 * A resumed one first hears from which example on. One thread runs it; answers come on gRPC's
 * threads. The lock guards what they share.
 */
final class TrainUpload {
  private final Connection connection;
  private final TrainingSpec spec;
  private final TrainEvents events;
  private final UploadWindow examples;
  private final boolean resumed;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean jobKnown;

  /** Examples that a resumed upload need not send again; negative before it heard of them. */
  private long resumedAt = -1;

  private boolean ended;
  private @Nullable Throwable failure;

  /**
   * @param resumed whether an earlier stream broke
   */
  TrainUpload(
      Connection connection,
      TrainingSpec spec,
      TrainEvents events,
      UploadWindow examples,
      boolean resumed) {
    this.connection = connection;
    this.spec = spec;
    this.events = events;
    this.examples = examples;
    this.resumed = resumed;
  }

  /**
   * Uploads, commits and hears the events out. Returns when the server has ended the stream, or at
   * once when the server knows the request already; throws when the stream breaks.
   */
  void run() throws InterruptedException {
    ClientCallStreamObserver<TrainRequest> stream =
        (ClientCallStreamObserver<TrainRequest>)
            ClientCalls.asyncBidiStreamingCall(
                connection.newCall(
                    TrainingServiceGrpc.getTrainMethod(),
                    connection.config().streamDeadline(),
                    new Route(Set.of())),
                new Events());
    try {
      if (upload(stream)) {
        awaitEnd();
      }
    } finally {
      stream.cancel("upload left", null);
    }
  }

  /** False where the job was there before the commit. */
  private boolean upload(ClientCallStreamObserver<TrainRequest> stream)
      throws InterruptedException {
    if (!await(stream::isReady)) {
      return false;
    }
    stream.onNext(
        TrainRequest.newBuilder().setSpec(spec.message().toBuilder().setResume(resumed)).build());
    if (resumed) {
      if (!await(() -> resumedAt >= 0)) {
        return false;
      }
      examples.goOnAt(resumedAt);
    }
    while (examples.hasNext()) {
      if (!await(() -> stream.isReady() && examples.hasRoom())) {
        return false;
      }
      TrainRequest request = examples.next();
      connection.checkSize(request);
      stream.onNext(request);
      events.sent(examples.sent());
    }
    if (!await(stream::isReady)) {
      return false;
    }
    stream.onNext(TrainRequest.newBuilder().setCommit(Commit.getDefaultInstance()).build());
    stream.onCompleted();
    return true;
  }

  /** Waits until it is so; false where the job is known already. */
  private boolean await(BooleanSupplier condition) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!ended && !jobKnown && !condition.getAsBoolean()) {
        changed.await();
      }
      if (jobKnown) {
        return false;
      }
      checkNotEnded();
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void awaitEnd() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!ended) {
        changed.await();
      }
      if (failure != null) {
        throw PerennialException.of(failure);
      }
    } finally {
      lock.unlock();
    }
  }

  private void checkNotEnded() {
    if (ended) {
      throw failure != null
          ? PerennialException.of(failure)
          : new PerennialException(
              Code.UNAVAILABLE, "upload: ended by the server before the commit");
    }
  }

  private void end(@Nullable Throwable reason) {
    lock.lock();
    try {
      if (!ended) {
        ended = true;
        failure = reason;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void signal(@Nullable TrainResponse response) {
    lock.lock();
    try {
      if (response != null && response.hasSpooled() && resumed && resumedAt < 0) {
        resumedAt = response.getSpooled().getExamples();
      } else if (response != null && response.hasSpooled()) {
        examples.acknowledged(response.getSpooled().getExamples());
      }
      jobKnown |= response != null && response.hasJob();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Hears the server. */
  private final class Events implements ClientResponseObserver<TrainRequest, TrainResponse> {
    private boolean listenerFailed;

    @Override
    public void beforeStart(ClientCallStreamObserver<TrainRequest> started) {
      started.setOnReadyHandler(() -> signal(null));
    }

    @Override
    public void onNext(TrainResponse response) {
      if (listenerFailed) {
        return;
      }
      try {
        events.received(response);
        signal(response);
      } catch (RuntimeException e) {
        // The uploading thread cancels the call: cancelling here would make its next message throw.
        listenerFailed = true;
        end(e);
      }
    }

    @Override
    public void onError(Throwable reason) {
      end(reason);
    }

    @Override
    public void onCompleted() {
      end(null);
    }
  }
}
