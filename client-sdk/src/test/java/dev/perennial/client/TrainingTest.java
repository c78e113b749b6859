package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.FakeServer.Uploads;
import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.WatchTrainingJobResponse;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class TrainingTest {
  private static final TrainingSpec SPEC =
      TrainingSpec.of("signs")
          .requestId("r-1")
          .classNames(List.of("stop", "go"))
          .options(TrainingOptions.DEFAULTS.seed(5).recipe(TrainingOptions.Recipe.OFFICIAL));

  private final List<Uploads> uploads = Collections.synchronizedList(new ArrayList<>());
  private final Listener listener = new Listener();
  private FakeServer server;
  private PerennialClient client;

  /** Notes what it hears. */
  private static final class Listener implements TrainingListener {
    final List<Long> sent = Collections.synchronizedList(new ArrayList<>());
    final List<Long> spooled = Collections.synchronizedList(new ArrayList<>());
    final List<TrainingJob.State> states = Collections.synchronizedList(new ArrayList<>());
    final AtomicInteger resumed = new AtomicInteger();

    @Override
    public void sent(long examples) {
      sent.add(examples);
    }

    @Override
    public void spooled(long examples) {
      spooled.add(examples);
    }

    @Override
    public void changed(TrainingJob job) {
      states.add(job.state());
    }

    @Override
    public void resuming(PerennialException cause) {
      resumed.incrementAndGet();
    }
  }

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
    client = server.connect();
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
  }

  private static List<Example> examples(int count) {
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      examples.add(new Example(Image.png(new byte[] {(byte) i}), i % 2 == 0 ? "stop" : "go"));
    }
    return examples;
  }

  @Test
  void train_undisturbed_sendsSpecExamplesCommitInOrder() {
    server.train =
        answer ->
            note(
                new Uploads(
                    answer,
                    () -> {
                      answer.onNext(FakeServer.event(FakeServer.job("job-1", "r-1", false)));
                      FakeServer.one(
                          answer, FakeServer.event(FakeServer.job("job-1", "r-1", true)));
                    },
                    () -> {}));
    TrainingJob job = client.train(SPEC, Examples.of(examples(3)), listener).await().orThrow();
    assertEquals("job-1", job.jobId());
    var parts = uploads.get(0).parts;
    assertEquals(5, parts.size());
    assertEquals(SPEC.message(), parts.get(0).getSpec());
    assertFalse(parts.get(0).getSpec().getResume());
    assertEquals("go", parts.get(2).getExample().getLabel());
    assertTrue(parts.get(4).hasCommit());
    assertEquals(List.of(1L, 2L, 3L), listener.sent);
    assertEquals(List.of(1L, 2L, 3L), listener.spooled);
    assertEquals(List.of(TrainingJob.State.RUNNING, TrainingJob.State.SUCCEEDED), listener.states);
  }

  @Test
  void train_brokenAfterTheJobIsKnown_watchesOn() {
    server.train =
        answer ->
            note(
                new Uploads(
                    answer,
                    () -> {
                      answer.onNext(FakeServer.event(FakeServer.job("job-1", "r-1", false)));
                      answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE));
                    },
                    () -> {}));
    TrainingRun run = client.train(SPEC, Examples.once(examples(2).iterator()), listener);
    assertEquals(TrainingJob.State.SUCCEEDED, run.await().state());
    assertEquals("job-1", run.committed().join().jobId());
    assertEquals(1, server.arrived("/Train"));
    assertEquals(1, server.arrived("WatchTrainingJob"));
  }

  @Test
  void train_brokenBehindTheCommit_isAnsweredWithTheJobByItsRequestId() {
    AtomicInteger tries = new AtomicInteger();
    server.train =
        answer -> {
          if (tries.incrementAndGet() > 1) {
            answer.onNext(FakeServer.event(FakeServer.job("job-7", "r-1", false)));
          }
          return note(
              new Uploads(
                  answer,
                  () -> answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE)),
                  () -> {}));
        };
    TrainingRun run = client.train(SPEC, Examples.once(examples(2).iterator()), listener);
    assertEquals("job-7", run.await().jobId());
    assertEquals(2, server.arrived("/Train"));
    assertEquals(1, server.arrived("WatchTrainingJob"));
    assertEquals(1, listener.resumed.get());
    assertEquals(4, uploads.get(0).parts.size());
  }

  /**
   * The first stream breaks after so many examples, of which so many are acknowledged; the next
   * ones find so many left, and end well.
   */
  private void breakAfter(int examples, long acknowledged, long left) {
    AtomicInteger tries = new AtomicInteger();
    server.train =
        answer -> {
          int attempt = tries.incrementAndGet();
          return note(
              new Uploads(
                  answer,
                  () ->
                      FakeServer.one(
                          answer, FakeServer.event(FakeServer.job("job-1", "r-1", true))),
                  () -> {}) {
                @Override
                public void onNext(TrainRequest part) {
                  if (attempt > 1) {
                    super.onNext(part);
                    if (part.getSpec().getResume()) {
                      spooled(left);
                    }
                  } else {
                    parts.add(part);
                    if (parts.size() == 1 + examples) {
                      spooled(acknowledged);
                      answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE));
                    }
                  }
                }
              });
        };
  }

  private static List<Integer> pictures(Uploads upload) {
    return upload.parts.stream()
        .filter(TrainRequest::hasExample)
        .map(part -> (int) part.getExample().getImage().getEncoded().byteAt(0))
        .toList();
  }

  @Test
  void train_brokenBeforeTheCommit_goesOnWhereItWasAcknowledged() {
    breakAfter(5, 3, 3);
    client.train(SPEC, Examples.once(examples(8).iterator()), listener).await().orThrow();
    assertEquals(2, uploads.size());
    var spec = uploads.get(1).parts.get(0).getSpec();
    assertEquals("r-1", spec.getRequestId());
    assertEquals(SPEC.message().toBuilder().setResume(true).build(), spec);
    assertEquals(List.of(3, 4, 5, 6, 7), pictures(uploads.get(1)));
    assertTrue(uploads.get(1).parts.get(6).hasCommit());
    assertEquals(8L, listener.sent.get(listener.sent.size() - 1));
  }

  @Test
  void train_brokenAndTheServerHasMoreThanItSaid_sendsTheRest() {
    breakAfter(5, 3, 5);
    client.train(SPEC, Examples.once(examples(8).iterator()), listener).await().orThrow();
    assertEquals(List.of(5, 6, 7), pictures(uploads.get(1)));
  }

  @Test
  void train_acknowledgedLostAtTheServer_isReadAgainWhereItCanBe() {
    breakAfter(5, 3, 1);
    client.train(SPEC, Examples.of(examples(8)), listener).await().orThrow();
    assertEquals(List.of(1, 2, 3, 4, 5, 6, 7), pictures(uploads.get(1)));
  }

  @Test
  void train_acknowledgedLostAtTheServerAndReadOnce_fails() {
    breakAfter(5, 3, 1);
    TrainingRun run = client.train(SPEC, Examples.once(examples(8).stream()), listener);
    PerennialException e = assertThrows(PerennialException.class, run::await);
    assertEquals(Code.DATA_LOSS, e.code());
    assertTrue(run.committed().isCompletedExceptionally());
  }

  @Test
  void train_badSpec_isNotRepeated() {
    server.train =
        answer -> {
          answer.onError(
              FakeServer.failure(Status.Code.INVALID_ARGUMENT, FakeServer.field("spec.task")));
          return new Uploads(answer, () -> {}, () -> {});
        };
    TrainingRun run = client.train(SPEC, Examples.of(examples(2)), listener);
    PerennialException e = assertThrows(PerennialException.class, run::await);
    assertEquals("spec.task", e.field());
    assertEquals(1, server.arrived("/Train"));
  }

  @Test
  void train_requestKnownAlready_followsThatJobWithoutCommit() {
    server.train =
        answer -> {
          answer.onNext(FakeServer.event(FakeServer.job("job-1", "r-1", false)));
          return note(new Uploads(answer, () -> {}, () -> {}));
        };
    Stream<Example> endless = Stream.generate(() -> examples(1).get(0));
    TrainingJob job = client.train(SPEC, Examples.once(endless), listener).await();
    assertEquals(TrainingJob.State.SUCCEEDED, job.state());
    assertEquals(1, server.arrived("WatchTrainingJob"));
  }

  @Test
  void train_publisher_uploadsAllOfIt() {
    server.train =
        answer ->
            note(
                new Uploads(
                    answer,
                    () ->
                        FakeServer.one(
                            answer, FakeServer.event(FakeServer.job("job-1", "r-1", true))),
                    () -> {}));
    TrainingRun run;
    try (SubmissionPublisher<Example> publisher = new SubmissionPublisher<>()) {
      run = client.train(SPEC, Examples.once(publisher), listener);
      FakeCluster.await(publisher::hasSubscribers);
      examples(50).forEach(publisher::submit);
    }
    run.await().orThrow();
    assertEquals(52, uploads.get(0).parts.size());
  }

  @Test
  void train_listenerThrows_failsTheRunWithItsException() {
    RuntimeException thrown = new IllegalStateException("listener");
    server.train =
        answer ->
            note(
                new Uploads(
                    answer,
                    () -> answer.onNext(FakeServer.event(FakeServer.job("job-1", "r-1", false))),
                    () -> {}));
    TrainingRun run =
        client.train(
            SPEC,
            Examples.of(examples(1)),
            new TrainingListener() {
              @Override
              public void changed(TrainingJob job) {
                throw thrown;
              }
            });
    CompletionException e = assertThrows(CompletionException.class, () -> run.completion().join());
    assertSame(thrown, e.getCause());
  }

  @Test
  void leave_afterTheCommit_endsTheStreamAndFailsTheFuture() throws Exception {
    CompletableFuture<Void> cancelled = new CompletableFuture<>();
    server.train =
        answer -> {
          ((io.grpc.stub.ServerCallStreamObserver<?>) answer)
              .setOnCancelHandler(() -> cancelled.complete(null));
          return new Uploads(
              answer,
              () -> answer.onNext(FakeServer.event(FakeServer.job("job-1", "r-1", false))),
              () -> {});
        };
    TrainingRun run = client.train(SPEC, Examples.of(examples(1)), listener);
    assertEquals("job-1", run.committed().get(60, TimeUnit.SECONDS).jobId());
    run.leave();
    cancelled.get(60, TimeUnit.SECONDS);
    assertTrue(run.completion().isCompletedExceptionally());
  }

  @Test
  void close_jobRunning_completesTheRun() {
    server.train =
        answer ->
            new Uploads(
                answer,
                () -> answer.onNext(FakeServer.event(FakeServer.job("job-1", "r-1", false))),
                () -> {});
    TrainingRun run = client.train(SPEC, Examples.of(examples(1)), listener);
    run.committed().join();
    client.close();
    PerennialException e = assertThrows(PerennialException.class, run::await);
    assertEquals(Code.CANCELLED, e.code());
  }

  @Test
  void watchJob_streamBreaksTwice_goesOn() {
    AtomicInteger tries = new AtomicInteger();
    server.watch =
        (request, answer) -> {
          boolean last = tries.incrementAndGet() == 3;
          answer.onNext(
              WatchTrainingJobResponse.newBuilder()
                  .setJob(FakeServer.job(request.getJobId(), "r", last))
                  .build());
          if (last) {
            answer.onCompleted();
          } else {
            answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE));
          }
        };
    TrainingJob job = client.watchJob("job-3", listener).join();
    assertEquals("job-3", job.jobId());
    assertEquals(3, listener.states.size());
    assertEquals(2, listener.resumed.get());
  }

  @Test
  void train_jobUnknownForAMomentAfterABreak_isWatchedOn() {
    server.train =
        answer ->
            new Uploads(
                answer,
                () -> {
                  answer.onNext(FakeServer.event(FakeServer.job("job-1", "r-1", false)));
                  answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE));
                },
                () -> {});
    var known = server.watch;
    AtomicInteger tries = new AtomicInteger();
    server.watch =
        (request, answer) -> {
          if (tries.incrementAndGet() == 1) {
            answer.onError(FakeServer.failure(Status.Code.NOT_FOUND));
          } else {
            known.accept(request, answer);
          }
        };
    client.train(SPEC, Examples.of(examples(1)), listener).await().orThrow();
    assertEquals(2, tries.get());
  }

  @Test
  void watchJob_unknown_failsAtOnce() {
    server.watch = (request, answer) -> answer.onError(FakeServer.failure(Status.Code.NOT_FOUND));
    CompletionException e =
        assertThrows(CompletionException.class, () -> client.watchJob("no", listener).join());
    assertEquals(Code.NOT_FOUND, PerennialException.of(e).code());
    assertFalse(listener.resumed.get() > 0);
  }

  private Uploads note(Uploads upload) {
    uploads.add(upload);
    return upload;
  }
}
