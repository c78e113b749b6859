package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.ClassifyRequest;
import dev.perennial.v1.ClassifyResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A stream whose server dies, drains or has no device. */
@Timeout(120)
class MovingStreamTest {
  private static final Labels LABELS = Labels.of("x");

  @RegisterExtension final FakeCluster cluster = new FakeCluster(2);

  private PerennialClient client;

  @BeforeEach
  void start() {
    client = cluster.connectToAll();
  }

  private static Image image(int number) {
    return Image.png(new byte[] {(byte) number});
  }

  private static int number(ClassifyRequest request) {
    return request.getImage().getEncoded().byteAt(0);
  }

  private static List<Integer> numbers(FakeServer server) {
    return server.classified.stream().map(MovingStreamTest::number).toList();
  }

  /** Holds all answers; the first request says which server has the stream. */
  private FakeServer holder() {
    FakeCluster.await(
        () -> cluster.servers.stream().anyMatch(server -> !server.classified.isEmpty()));
    return cluster.get(0).classified.isEmpty() ? cluster.get(1) : cluster.get(0);
  }

  private void holdAnswers() {
    cluster.servers.forEach(server -> server.classify = (index, answer) -> {});
  }

  private static void answering(FakeServer server) {
    server.classify = (index, answer) -> answer.onNext(FakeServer.response(index, "x"));
  }

  @Test
  void killed_unansweredGoElsewhereInOrder() throws Exception {
    // Of ten the even ones are answered.
    cluster.servers.forEach(
        server ->
            server.classify =
                (index, answer) -> {
                  if (index % 2 == 0) {
                    answer.onNext(FakeServer.response(index, "first"));
                  }
                });
    try (StreamingClassifier stream = client.classifier(LABELS)) {
      List<CompletableFuture<Classification>> answers = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        answers.add(stream.send(image(i)));
      }
      FakeServer first = holder();
      FakeCluster.await(() -> stream.inFlight() == 5);
      FakeServer second = cluster.other(first);
      second.classify = (index, answer) -> answer.onNext(FakeServer.response(index, "second"));
      first.kill();
      for (int i = 0; i < 10; i++) {
        assertEquals(
            i % 2 == 0 ? "first" : "second",
            answers.get(i).get(60, TimeUnit.SECONDS).best().label());
      }
      assertEquals(List.of(1, 3, 5, 7, 9), numbers(second));
      assertTrue(second.classified.peek().hasLabelSet());
      stream.send(image(10)).get(60, TimeUnit.SECONDS);
      assertEquals(List.of(1, 3, 5, 7, 9, 10), numbers(second));
    }
  }

  @Test
  void killedWhileClosing_unansweredAreAnsweredElsewhere() throws Exception {
    holdAnswers();
    StreamingClassifier stream = client.classifier(LABELS);
    CompletableFuture<Classification> answer = stream.send(image(1));
    FakeServer first = holder();
    CompletableFuture<Void> closed = CompletableFuture.runAsync(stream::close);
    answering(cluster.other(first));
    first.kill();
    assertEquals("x", answer.get(60, TimeUnit.SECONDS).best().label());
    closed.get(60, TimeUnit.SECONDS);
  }

  @Test
  void draining_oldCallIsAnsweredToItsEndAndNewRequestsGoElsewhere() throws Exception {
    List<StreamObserver<ClassifyResponse>> held = new CopyOnWriteArrayList<>();
    CompletableFuture<Void> halfClosed = new CompletableFuture<>();
    cluster.servers.forEach(
        server -> {
          server.classify = (index, answer) -> held.add(answer);
          server.halfClosed = answer -> halfClosed.complete(null);
        });
    StreamingClassifier stream = client.classifier(LABELS);
    CompletableFuture<Classification> old = stream.send(image(1));
    FakeServer first = holder();
    FakeCluster.await(() -> !held.isEmpty());
    FakeServer second = cluster.other(first);
    answering(second);
    second.halfClosed = StreamObserver::onCompleted;
    first.serving(false);
    halfClosed.get(60, TimeUnit.SECONDS);
    assertEquals("x", stream.send(image(2)).get(60, TimeUnit.SECONDS).best().label());
    assertEquals(List.of(2), numbers(second));
    assertFalse(old.isDone());
    FakeServer.one(held.get(0), FakeServer.response(0, "old"));
    assertEquals("old", old.get(60, TimeUnit.SECONDS).best().label());
    stream.close();
    assertEquals(List.of(1), numbers(first));
  }

  @Test
  void drainingAndThenKilled_unansweredGoElsewhereAfterTheClose() throws Exception {
    holdAnswers();
    CompletableFuture<Void> halfClosed = new CompletableFuture<>();
    cluster.servers.forEach(server -> server.halfClosed = answer -> halfClosed.complete(null));
    StreamingClassifier stream = client.classifier(LABELS);
    CompletableFuture<Classification> old = stream.send(image(1));
    FakeServer first = holder();
    FakeServer second = cluster.other(first);
    answering(second);
    second.halfClosed = StreamObserver::onCompleted;
    first.serving(false);
    halfClosed.get(60, TimeUnit.SECONDS);
    CompletableFuture<Void> closed = CompletableFuture.runAsync(stream::close);
    first.kill();
    assertEquals("x", old.get(60, TimeUnit.SECONDS).best().label());
    closed.get(60, TimeUnit.SECONDS);
  }

  @Test
  void onlyServerDraining_streamStays() throws Exception {
    holdAnswers();
    StreamingClassifier stream = client.classifier(LABELS);
    CompletableFuture<Classification> held = stream.send(image(1));
    FakeServer first = holder();
    cluster.other(first).kill();
    first.serving(false);
    answering(first);
    assertEquals("x", stream.send(image(2)).get(60, TimeUnit.SECONDS).best().label());
    assertFalse(held.isDone());
    stream.cancel();
  }

  @Test
  void itemThatEveryServerDiesOf_failsAloneInTime() {
    cluster.servers.forEach(
        server ->
            server.classify =
                (index, answer) -> answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE)));
    StreamingClassifier stream = client.classifier(LABELS);
    CompletableFuture<Classification> answer = stream.send(image(1));
    ExecutionException e = assertThrows(ExecutionException.class, answer::get);
    assertEquals(Code.UNAVAILABLE, PerennialException.of(e).code());
    assertEquals(
        RetryPolicy.MAX_ATTEMPTS,
        cluster.servers.stream().mapToInt(server -> server.classified.size()).sum());
    stream.close();
  }

  @Test
  void answerUnavailable_isAskedOfAnother() throws Exception {
    FakeServer broken = cluster.get(0);
    broken.classify =
        (index, answer) ->
            answer.onNext(
                ClassifyResponse.newBuilder()
                    .setIndex(index)
                    .setError(FakeServer.status(Status.Code.UNAVAILABLE))
                    .build());
    // Streams begin at either: sooner or later at the broken one.
    FakeCluster.await(
        () -> {
          try (StreamingClassifier stream = client.classifier(LABELS)) {
            List<CompletableFuture<Classification>> answers =
                IntStream.range(0, 20).mapToObj(i -> stream.send(image(i))).toList();
            answers.forEach(answer -> assertEquals("x", answer.join().best().label()));
          }
          return !broken.classified.isEmpty();
        });
  }

  @Test
  void killedWhileNobodySends_nextRequestOpensAnother() throws Exception {
    StreamingClassifier stream = client.classifier(LABELS);
    stream.send(image(1)).join();
    FakeServer first = holder();
    first.kill();
    assertEquals("x", stream.send(image(2)).get(60, TimeUnit.SECONDS).best().label());
    assertEquals(List.of(2), numbers(cluster.other(first)));
    stream.close();
  }

  @Test
  void embedder_killed_goesOn() throws Exception {
    StreamingEmbedder stream = client.embedder(StreamOptions.DEFAULTS);
    stream.send(EmbedQuery.text("a")).join();
    cluster.get(0).kill();
    for (int i = 0; i < 5; i++) {
      stream.send(EmbedQuery.text("a")).get(60, TimeUnit.SECONDS);
    }
    stream.close();
  }
}
