package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.Commit;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingServiceGrpc;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One Train stream: spec, examples as fast as the server takes them, commit, then the job's events.
 * A resumed one first hears from which example on. It is broken off when its member drains or lags
 * behind and another serves: the upload goes on there, and the job is watched from there. One
 * thread runs it; answers come on gRPC's threads. The lock guards what they share; what is sent is
 * sent under it, since a call that was cancelled throws in the face of its sender.
 */
final class TrainUpload {
  private final Connection connection;
  private final TrainingSpec spec;
  private final TrainEvents events;
  private final UploadWindow examples;
  private final boolean resumed;
  private final Route route;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private @Nullable ClientCallStreamObserver<TrainRequest> stream;
  private boolean committed;
  private boolean jobKnown;

  /** Whether the member takes no new calls any more while others do. */
  private boolean left;

  /** Examples that a resumed upload need not send again; negative before it heard of them. */
  private long resumedAt = -1;

  private boolean ended;
  private @Nullable Throwable failure;

  /**
   * @param resumed whether an earlier stream broke
   * @param avoided members that it had better not go to
   */
  TrainUpload(
      Connection connection,
      TrainingSpec spec,
      TrainEvents events,
      UploadWindow examples,
      boolean resumed,
      Set<String> avoided) {
    this.connection = connection;
    this.spec = spec;
    this.events = events;
    this.examples = examples;
    this.resumed = resumed;
    this.route = new Route(avoided, this::memberLeft);
  }

  /**
   * Uploads, commits and hears the events out. Returns when the server has ended the stream, or at
   * once when the server knows the request already; throws when the stream breaks.
   */
  void run() throws InterruptedException {
    ClientCallStreamObserver<TrainRequest> opened =
        (ClientCallStreamObserver<TrainRequest>)
            ClientCalls.asyncBidiStreamingCall(
                connection.newCall(
                    TrainingServiceGrpc.getTrainMethod(),
                    connection.config().streamDeadline(),
                    route),
                new Events());
    try {
      if (upload(opened)) {
        awaitEnd();
      }
    } finally {
      opened.cancel("upload left", null);
    }
  }

  Route route() {
    return route;
  }

  /** False where the job was there before the commit. */
  private boolean upload(ClientCallStreamObserver<TrainRequest> opened)
      throws InterruptedException {
    if (!await(opened::isReady)) {
      return false;
    }
    send(
        opened,
        TrainRequest.newBuilder().setSpec(spec.message().toBuilder().setResume(resumed)).build());
    if (resumed) {
      if (!await(() -> resumedAt >= 0)) {
        return false;
      }
      examples.goOnAt(resumedAt);
    }
    while (examples.hasNext()) {
      if (!await(() -> opened.isReady() && examples.hasRoom())) {
        return false;
      }
      TrainRequest request = examples.next();
      connection.checkSize(request);
      send(opened, request);
      events.sent(examples.sent());
    }
    if (!await(opened::isReady)) {
      return false;
    }
    commit(opened);
    return true;
  }

  private void send(ClientCallStreamObserver<TrainRequest> opened, TrainRequest request) {
    lock.lock();
    try {
      checkNotEnded();
      opened.onNext(request);
    } finally {
      lock.unlock();
    }
  }

  private void commit(ClientCallStreamObserver<TrainRequest> opened) {
    lock.lock();
    try {
      send(opened, TrainRequest.newBuilder().setCommit(Commit.getDefaultInstance()).build());
      opened.onCompleted();
      committed = true;
    } finally {
      lock.unlock();
    }
  }

  /** On a thread of gRPC's that must not wait for the lock. */
  private void memberLeft() {
    try {
      var unused = connection.after(Duration.ZERO, this::leave);
    } catch (PerennialException e) {
      // The client was closed, and ends the stream.
    }
  }

  /** The source may keep the uploading thread for long, and the server would wait for it. */
  private void leave() {
    lock.lock();
    try {
      left = true;
      leaveWhereThatIsSafe();
    } finally {
      lock.unlock();
    }
  }

  /** Between the commit and its answer nobody knows what there is to go on with. Under the lock. */
  private void leaveWhereThatIsSafe() {
    ClientCallStreamObserver<TrainRequest> open = stream;
    if (left && !ended && open != null && (!committed || jobKnown)) {
      end(
          new PerennialException(
              Code.UNAVAILABLE, "upload: its member leaves (expected: to go on at another)"));
      open.cancel("the member leaves", null);
    }
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
      leaveWhereThatIsSafe();
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
      lock.lock();
      try {
        stream = started;
      } finally {
        lock.unlock();
      }
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
