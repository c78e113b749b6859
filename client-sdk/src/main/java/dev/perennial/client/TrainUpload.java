package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.Commit;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingServiceGrpc;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One Train stream: spec, examples as fast as the server takes them, commit, then the job's events.
 * One thread runs it; answers come on gRPC's threads. The lock guards what they share.
 */
final class TrainUpload {
  private final Connection connection;
  private final TrainingSpec spec;
  private final TrainEvents events;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean jobKnown;
  private boolean ended;
  private @Nullable Throwable failure;

  TrainUpload(Connection connection, TrainingSpec spec, TrainEvents events) {
    this.connection = connection;
    this.spec = spec;
    this.events = events;
  }

  /**
   * Uploads, commits and hears the events out. Returns when the server has ended the stream, or at
   * once when the server knows the request already; throws when the stream breaks.
   */
  void run(Iterator<Example> examples) throws InterruptedException {
    ClientCallStreamObserver<TrainRequest> stream =
        (ClientCallStreamObserver<TrainRequest>)
            ClientCalls.asyncBidiStreamingCall(
                connection.newCall(
                    TrainingServiceGrpc.getTrainMethod(),
                    connection.config().streamDeadline(),
                    new Route(Set.of())),
                new Events());
    try {
      if (upload(stream, examples)) {
        awaitEnd();
      }
    } finally {
      stream.cancel("upload left", null);
    }
  }

  /** False where the job was there before the commit. */
  private boolean upload(ClientCallStreamObserver<TrainRequest> stream, Iterator<Example> examples)
      throws InterruptedException {
    if (!awaitReady(stream)) {
      return false;
    }
    stream.onNext(TrainRequest.newBuilder().setSpec(spec.message()).build());
    for (long sent = 1; examples.hasNext(); sent++) {
      TrainRequest request = request(examples.next());
      connection.checkSize(request);
      if (!awaitReady(stream)) {
        return false;
      }
      stream.onNext(request);
      events.sent(sent);
    }
    if (!awaitReady(stream)) {
      return false;
    }
    events.committing();
    stream.onNext(TrainRequest.newBuilder().setCommit(Commit.getDefaultInstance()).build());
    stream.onCompleted();
    return true;
  }

  private static TrainRequest request(Example example) {
    return TrainRequest.newBuilder()
        .setExample(
            dev.perennial.v1.Example.newBuilder()
                .setImage(example.image().message())
                .setLabel(example.label()))
        .build();
  }

  /** Waits for room in the connection; false where the job is known already. */
  private boolean awaitReady(ClientCallStreamObserver<TrainRequest> stream)
      throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!ended && !jobKnown && !stream.isReady()) {
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

  private void signal(boolean job) {
    lock.lock();
    try {
      jobKnown |= job;
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
      started.setOnReadyHandler(() -> signal(false));
    }

    @Override
    public void onNext(TrainResponse response) {
      if (listenerFailed) {
        return;
      }
      try {
        events.received(response);
        signal(response.hasJob());
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
