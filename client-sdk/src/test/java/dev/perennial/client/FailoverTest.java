package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.ClassifyImageResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Calls over several servers, some of which fail. */
@Timeout(120)
class FailoverTest {
  private static final Image IMAGE = Image.png(new byte[] {1});
  private static final Labels LABELS = Labels.of("x");

  @RegisterExtension final FakeCluster cluster = new FakeCluster(3);

  private PerennialClient client;

  @BeforeEach
  void start() {
    client = cluster.connect();
  }

  private void meetAll() {
    cluster.meetAll(client);
  }

  private static void never(FakeServer server) {
    server.classifyImage = (request, answer) -> {};
  }

  @Test
  void classify_severalServers_allAreAsked() {
    FakeCluster.await(
        () -> {
          client.classify(IMAGE, LABELS);
          return cluster.servers.stream().allMatch(one -> one.arrived("ClassifyImage") > 0);
        });
  }

  @Test
  void classify_notServing_getsNoNewCalls() {
    meetAll();
    FakeServer draining = cluster.get(1);
    draining.serving(false);
    awaitNoCalls(draining);
    draining.serving(true);
    long before = draining.arrived("ClassifyImage");
    FakeCluster.await(
        () -> {
          client.classify(IMAGE, LABELS);
          return draining.arrived("ClassifyImage") > before;
        });
  }

  /** Waits until fifty calls in a row went elsewhere. */
  private void awaitNoCalls(FakeServer server) {
    FakeCluster.await(
        () -> {
          long before = server.arrived("ClassifyImage");
          for (int i = 0; i < 50; i++) {
            client.classify(IMAGE, LABELS);
          }
          return server.arrived("ClassifyImage") == before;
        });
  }

  @Test
  void classify_serverKilledWithManyInFlight_allAreAnswered() throws Exception {
    meetAll();
    AtomicInteger held = new AtomicInteger();
    cluster.servers.forEach(
        server -> server.classifyImage = (request, answer) -> held.incrementAndGet());
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    for (int i = 0; i < 90; i++) {
      answers.add(client.classifyAsync(IMAGE, LABELS));
    }
    FakeCluster.await(() -> held.get() == 90);
    FakeServer busiest =
        cluster.servers.stream()
            .max(Comparator.comparing(server -> server.arrived("ClassifyImage")))
            .orElseThrow();
    long lost = busiest.arrived("ClassifyImage");
    // Many more than the budget of retries has tokens.
    assertTrue(lost > 2 * RetryPolicy.MAX_TOKENS);
    cluster.servers.forEach(FailoverTest::answering);
    busiest.kill();
    FakeCluster.await(() -> answers.stream().filter(CompletableFuture::isDone).count() == lost);
    for (CompletableFuture<Classification> answer : answers) {
      assertFalse(answer.isCompletedExceptionally());
    }
  }

  private static void answering(FakeServer server) {
    server.classifyImage = (request, answer) -> answer(answer);
  }

  private static void answer(StreamObserver<ClassifyImageResponse> answer) {
    FakeServer.one(
        answer,
        ClassifyImageResponse.newBuilder().setClassification(FakeServer.shows("x")).build());
  }

  @Test
  void classify_serverComesBack_isAskedAgain() throws IOException {
    meetAll();
    FakeServer server = cluster.get(2);
    server.kill();
    for (int i = 0; i < 20; i++) {
      client.classify(IMAGE, LABELS);
    }
    server.restart();
    long before = server.arrived("ClassifyImage");
    FakeCluster.await(
        () -> {
          client.classify(IMAGE, LABELS);
          return server.arrived("ClassifyImage") > before;
        });
  }

  @Test
  void classify_refusedByOne_isAskedOfAnotherAtOnce() {
    meetAll();
    // A wait as long as the one that it asks for would exceed the call's deadline.
    cluster.get(0).classifyImage =
        (request, answer) ->
            answer.onError(
                FakeServer.failure(
                    Status.Code.UNAVAILABLE, FakeServer.retryAfter(Duration.ofMinutes(5))));
    FakeCluster.await(
        () -> {
          assertEquals("x", client.classify(IMAGE, LABELS).best().label());
          return cluster.get(0).arrived("ClassifyImage") > 3;
        });
  }

  @Test
  void classify_silentServer_isLeftAloneThoughOthersHaveMoreToDo() {
    cluster.get(2).kill();
    never(cluster.get(0));
    // All at one: the other has no more than the call that it does not answer.
    List<StreamingClassifier> streams = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      StreamingClassifier stream = client.classifier(LABELS);
      stream.send(IMAGE).join();
      streams.add(stream);
    }
    FakeCluster.await(
        () -> {
          var unused = client.classifyAsync(IMAGE, LABELS);
          return cluster.get(0).arrived("ClassifyImage") > 0;
        });
    FakeCluster.await(
        () -> {
          long before = cluster.get(0).arrived("ClassifyImage");
          List<CompletableFuture<Classification>> answers = new ArrayList<>();
          for (int i = 0; i < 5; i++) {
            answers.add(client.classifyAsync(IMAGE, LABELS));
          }
          FakeCluster.await(
              () ->
                  cluster.get(0).arrived("ClassifyImage") > before
                      || answers.stream().allMatch(CompletableFuture::isDone));
          return cluster.get(0).arrived("ClassifyImage") == before;
        });
    streams.forEach(StreamingClassifier::cancel);
  }

  @Test
  void classify_allGoneForAMoment_isAnsweredWhenOneIsBack() throws Exception {
    meetAll();
    cluster.servers.forEach(FakeServer::kill);
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    for (int i = 0; i < 3 * RetryPolicy.MAX_TOKENS; i++) {
      answers.add(client.classifyAsync(IMAGE, LABELS));
    }
    cluster.get(1).restart();
    for (CompletableFuture<Classification> answer : answers) {
      assertEquals("x", answer.get(60, TimeUnit.SECONDS).best().label());
    }
  }

  @Test
  void classify_allGone_saysWhichAndWhy() {
    meetAll();
    cluster.servers.forEach(FakeServer::kill);
    PerennialException e =
        assertThrows(PerennialException.class, () -> client.classify(IMAGE, LABELS));
    assertEquals(Code.UNAVAILABLE, e.code());
    assertTrue(e.toString().contains("members: none of 3 serves"), e.toString());
    for (FakeServer server : cluster.servers) {
      assertTrue(e.toString().contains(server.name + ": "), e.toString());
    }
  }

  @Test
  void classify_allFailing_namesTheLastAndKeepsTheOthers() {
    meetAll();
    for (FakeServer server : cluster.servers) {
      server.classifyImage =
          (request, answer) -> answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE));
    }
    PerennialException e =
        assertThrows(PerennialException.class, () -> client.classify(IMAGE, LABELS));
    assertEquals(RetryPolicy.MAX_ATTEMPTS - 1, e.getSuppressed().length);
    assertNotNull(e.member());
    assertEquals(
        3,
        Stream.of(e.getSuppressed())
            .map(earlier -> ((PerennialException) earlier).member())
            .distinct()
            .count());
  }

  @Test
  void classify_slow_isNotHedgedUnlessAsked() {
    try (PerennialClient hedging =
        cluster.connect(cluster.get(0).client().hedgeAfter(Duration.ofMillis(50)))) {
      meetAll();
      cluster.meetAll(hedging);
      cluster.servers.forEach(FailoverTest::never);
      long before = cluster.arrived("ClassifyImage");
      CompletableFuture<Classification> plain = client.classifyAsync(IMAGE, LABELS);
      FakeCluster.await(() -> cluster.arrived("ClassifyImage") == before + 1);
      CompletableFuture<Classification> hedged = hedging.classifyAsync(IMAGE, LABELS);
      FakeCluster.await(() -> cluster.arrived("ClassifyImage") == before + 3);
      assertFalse(plain.isDone());
      hedged.cancel(true);
    }
  }

  @Test
  void classify_hedged_firstAnswerCountsAndTheOtherIsCancelled() throws Exception {
    CompletableFuture<Void> cancelled = new CompletableFuture<>();
    AtomicInteger calls = new AtomicInteger();
    try (PerennialClient hedging =
        cluster.connect(cluster.get(0).client().hedgeAfter(Duration.ofMillis(50)))) {
      cluster.meetAll(hedging);
      for (FakeServer server : cluster.servers) {
        server.classifyImage =
            (request, answer) -> {
              if (calls.getAndIncrement() == 0) {
                ((io.grpc.stub.ServerCallStreamObserver<?>) answer)
                    .setOnCancelHandler(() -> cancelled.complete(null));
              } else {
                answer(answer);
              }
            };
      }
      assertEquals("x", hedging.classify(IMAGE, LABELS).best().label());
      cancelled.get(60, TimeUnit.SECONDS);
    }
    assertEquals(2, calls.get());
  }

  @Test
  void deleteTask_lostAndThenGone_isDone() {
    AtomicInteger calls = new AtomicInteger();
    for (FakeServer server : cluster.servers) {
      server.deleteTask =
          (request, answer) ->
              answer.onError(
                  FakeServer.failure(
                      calls.getAndIncrement() == 0
                          ? Status.Code.UNAVAILABLE
                          : Status.Code.NOT_FOUND));
    }
    assertEquals(9, client.deleteTask("t"));
    assertEquals(2, calls.get());
  }

  @Test
  void deleteTask_unknown_fails() {
    for (FakeServer server : cluster.servers) {
      server.deleteTask =
          (request, answer) -> answer.onError(FakeServer.failure(Status.Code.NOT_FOUND));
    }
    PerennialException e = assertThrows(PerennialException.class, () -> client.deleteTask("t"));
    assertEquals(Code.NOT_FOUND, e.code());
  }

  @Test
  void embed_serverKilled_isAnsweredByAnother() throws ExecutionException, InterruptedException {
    cluster.get(0).kill();
    for (int i = 0; i < 10; i++) {
      assertEquals(2, client.embedAsync(EmbedQuery.text("a")).get().values().length);
    }
  }
}
