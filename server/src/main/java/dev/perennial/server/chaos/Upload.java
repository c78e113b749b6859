package dev.perennial.server.chaos;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import dev.perennial.v1.TrainingServiceGrpc;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One {@code Train} call. Sent by one thread; any may wait. */
final class Upload implements StreamObserver<TrainResponse> {
  private static final int CALL_SECONDS = 60;

  private final Lesson lesson;

  @GuardedBy("this")
  private @Nullable TrainingJob job;

  @GuardedBy("this")
  private boolean ended;

  private @Nullable StreamObserver<TrainRequest> requests;

  private Upload(Lesson lesson) {
    this.lesson = lesson;
  }

  /** Opens the call and sends the spec. Throws UNAVAILABLE where the member is not connected. */
  static Upload open(MemberProcess member, Lesson lesson) {
    Upload upload = new Upload(lesson);
    upload.requests =
        TrainingServiceGrpc.newStub(member.channel())
            .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
            .train(upload);
    upload.send(lesson.spec());
    return upload;
  }

  Lesson lesson() {
    return lesson;
  }

  void sendExample(int index) {
    send(lesson.example(index));
  }

  /** The examples that a lesson has, and the commit. */
  void sendAll() {
    for (int i = 0; i < Lesson.EXAMPLES; i++) {
      sendExample(i);
    }
    send(Lesson.commit());
    StreamObserver<TrainRequest> open = requests;
    if (open != null && !hasEnded()) {
      open.onCompleted();
    }
  }

  /** What is sent into a call that has failed goes nowhere: the failure is seen at its end. */
  private void send(TrainRequest request) {
    StreamObserver<TrainRequest> open = requests;
    if (open != null && !hasEnded()) {
      open.onNext(request);
    }
  }

  private synchronized boolean hasEnded() {
    return ended;
  }

  /** Waits until the job is so far, or the call has ended; true where the job is so far. */
  synchronized boolean await(TrainingJobState state, Duration timeout) throws InterruptedException {
    long until = System.nanoTime() + timeout.toNanos();
    while (!ended && !reached(state) && System.nanoTime() - until < 0) {
      wait(10);
    }
    return reached(state);
  }

  @GuardedBy("this")
  private boolean reached(TrainingJobState state) {
    return job != null && job.getState().getNumber() >= state.getNumber();
  }

  /** Waits for the call's end; the job as it was last told, null before the commit was answered. */
  synchronized @Nullable TrainingJob result() throws InterruptedException {
    while (!ended) {
      wait(100);
    }
    return job;
  }

  @Override
  public synchronized void onNext(TrainResponse response) {
    if (response.hasJob()) {
      job = response.getJob();
      notifyAll();
    }
  }

  @Override
  public synchronized void onError(Throwable failure) {
    ended = true;
    notifyAll();
  }

  @Override
  public synchronized void onCompleted() {
    ended = true;
    notifyAll();
  }
}
