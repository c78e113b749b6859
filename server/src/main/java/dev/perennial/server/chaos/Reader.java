package dev.perennial.server.chaos;

import dev.perennial.server.error.ServingException;
import dev.perennial.v1.AllKnownLabels;
import dev.perennial.v1.Classification;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.LabelSet;
import dev.perennial.v1.TaskServiceGrpc;
import dev.perennial.v1.WatchPoolRequest;
import dev.perennial.v1.WatchPoolResponse;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Asks one member the same questions again and again, and follows its pool. A thread of its own.
 */
final class Reader implements AutoCloseable {
  /** Pictures that are asked about. */
  static final int PROBES = 3;

  private static final int REST_MILLIS = 30;

  /** What a member that is dead, starting, or standing still may answer. */
  private static final Set<Status.Code> EXPECTED =
      Set.of(Status.Code.UNAVAILABLE, Status.Code.DEADLINE_EXCEEDED, Status.Code.CANCELLED);

  private final MemberProcess member;
  private final Epochs epochs;
  private final AnswerLog answers;
  private final Tally tally;
  private final Thread thread;
  private volatile boolean closed;

  /** The channel on which the pool is watched. */
  private @Nullable ManagedChannel watched;

  Reader(MemberProcess member, Epochs epochs, AnswerLog answers, Tally tally) {
    this.member = member;
    this.epochs = epochs;
    this.answers = answers;
    this.tally = tally;
    this.thread = new Thread(this::work, "chaos-reader-" + member.name());
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void work() {
    try {
      for (int probe = 0; !closed; probe = (probe + 1) % PROBES) {
        try {
          watch();
          Map<String, Integer> unused = ask(member, probe, epochs, answers);
        } catch (StatusRuntimeException e) {
          failed(e);
        } catch (ServingException e) {
          watched = null; // dead at this moment
        }
        TimeUnit.MILLISECONDS.sleep(REST_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void failed(StatusRuntimeException e) {
    if (!EXPECTED.contains(e.getStatus().getCode())) {
      tally.found(Violation.FAILED_CALLS, "member " + member.name() + ": " + e.getStatus());
    }
  }

  /** One question, booked; the lesson of each task that the answer was computed with. */
  static Map<String, Integer> ask(
      MemberProcess member, int probe, Epochs epochs, AnswerLog answers) {
    long floor = epochs.floor(member.name());
    Classification answer =
        member
            .inference()
            .classifyImage(
                ClassifyImageRequest.newBuilder()
                    .setImage(Lesson.picture(probe % Lesson.COLOURS.size(), -1 - probe))
                    .setLabelSet(
                        LabelSet.newBuilder().setAllKnown(AllKnownLabels.getDefaultInstance()))
                    .build())
            .getClassification();
    epochs.seen(member.name(), floor, answer.getEpoch());
    return answers.record(member.name(), probe, answer);
  }

  private void watch() {
    ManagedChannel channel = member.channel();
    if (channel == watched) {
      return;
    }
    watched = channel;
    TaskServiceGrpc.newStub(channel)
        .watchPool(
            WatchPoolRequest.getDefaultInstance(),
            new StreamObserver<WatchPoolResponse>() {
              @Override
              public void onNext(WatchPoolResponse pool) {
                answers.claimed(
                    member.name(),
                    pool.getEpoch(),
                    pool.getTasksList().stream()
                        .map(task -> task.getVersionId())
                        .collect(Collectors.toSet()));
              }

              @Override
              public void onError(Throwable failure) {} // the member's end

              @Override
              public void onCompleted() {}
            });
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
