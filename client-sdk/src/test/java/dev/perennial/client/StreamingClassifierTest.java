package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.ClassifyResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class StreamingClassifierTest {
  private static final Image IMAGE = Image.png(new byte[] {1});
  private static final Labels LABELS = Labels.of("x");

  /** A request that arrived and that the test will answer. */
  private record Arrived(long index, StreamObserver<ClassifyResponse> answer) {}

  private final BlockingQueue<Arrived> arrived = new LinkedBlockingQueue<>();
  private FakeServer server;
  private PerennialClient client;

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

  private void holdAnswers() {
    server.classify = (index, answer) -> arrived.add(new Arrived(index, answer));
  }

  private Arrived take() throws InterruptedException {
    Arrived next = arrived.poll(60, TimeUnit.SECONDS);
    assertTrue(next != null, "a request arrives");
    return next;
  }

  @Test
  void trySend_windowFull_saysNoUntilAnswered() throws Exception {
    holdAnswers();
    StreamingClassifier stream = client.classifier(LABELS, StreamOptions.DEFAULTS.withWindow(2));
    CompletableFuture<Classification> first = stream.send(IMAGE);
    CompletableFuture<Classification> second = stream.send(IMAGE);
    assertEquals(2, stream.inFlight());
    assertFalse(second.isDone());
    assertEquals(Optional.empty(), stream.trySend(IMAGE));
    CompletableFuture<Void> ready = stream.ready();
    assertFalse(ready.isDone());

    Arrived request = take();
    request.answer().onNext(FakeServer.response(request.index(), "x"));
    first.get(60, TimeUnit.SECONDS);
    ready.get(60, TimeUnit.SECONDS);
    assertTrue(stream.trySend(IMAGE).isPresent());
    assertEquals(2, stream.inFlight());
    take();
    take();
    assertEquals(3, server.classified.size());
    stream.cancel();
  }

  @Test
  void send_windowFull_blocksUntilAnswered() throws Exception {
    holdAnswers();
    StreamingClassifier stream = client.classifier(LABELS, StreamOptions.DEFAULTS.withWindow(1));
    CompletableFuture<Classification> first = stream.send(IMAGE);
    CompletableFuture<Void> second =
        CompletableFuture.runAsync(
            () -> {
              var unused = stream.send(IMAGE);
            });
    Arrived request = take();
    assertFalse(second.isDone());
    assertEquals(1, server.classified.size());
    request.answer().onNext(FakeServer.response(0, "x"));
    first.get(60, TimeUnit.SECONDS);
    second.get(60, TimeUnit.SECONDS);
    assertEquals(1, take().index());
    stream.cancel();
  }

  @Test
  void send_noAnswerInTime_failsAndKeepsItsPlaceInTheWindow() {
    holdAnswers();
    StreamingClassifier stream =
        client.classifier(LABELS, new StreamOptions(1, Duration.ofMillis(100)));
    stream.ready().join(); // connecting may take longer than an answer
    CompletableFuture<Classification> silent = stream.send(IMAGE);
    ExecutionException e = assertThrows(ExecutionException.class, silent::get);
    assertEquals(Code.DEADLINE_EXCEEDED, PerennialException.of(e).code());
    assertEquals(1, stream.inFlight());
    PerennialException full = assertThrows(PerennialException.class, () -> stream.send(IMAGE));
    assertEquals(Code.DEADLINE_EXCEEDED, full.code());
    stream.cancel();
  }

  @Test
  void answers_outOfOrder_reachTheirImages() throws Exception {
    holdAnswers();
    try (StreamingClassifier stream = client.classifier(LABELS)) {
      List<CompletableFuture<Classification>> answers = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        answers.add(stream.send(IMAGE));
      }
      List<Arrived> requests = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        requests.add(0, take());
      }
      for (Arrived request : requests) {
        request.answer().onNext(FakeServer.response(request.index(), "label-" + request.index()));
      }
      for (int i = 0; i < 5; i++) {
        assertEquals("label-" + i, answers.get(i).get(60, TimeUnit.SECONDS).best().label());
      }
    }
  }

  @Test
  void answer_error_failsThatImageOnly() throws Exception {
    server.classify =
        (index, answer) ->
            answer.onNext(
                index == 1
                    ? ClassifyResponse.newBuilder()
                        .setIndex(index)
                        .setError(
                            FakeServer.status(
                                Status.Code.INVALID_ARGUMENT, FakeServer.reason("BAD")))
                        .build()
                    : FakeServer.response(index, "x"));
    try (StreamingClassifier stream = client.classifier(LABELS)) {
      CompletableFuture<Classification> good = stream.send(IMAGE);
      CompletableFuture<Classification> bad = stream.send(IMAGE);
      CompletableFuture<Classification> after = stream.send(IMAGE);
      assertEquals("x", good.get(60, TimeUnit.SECONDS).best().label());
      assertEquals("x", after.get(60, TimeUnit.SECONDS).best().label());
      ExecutionException e = assertThrows(ExecutionException.class, bad::get);
      assertEquals("BAD", PerennialException.of(e).reason());
    }
  }

  @Test
  void send_sameLabels_sendsThemOnce() {
    try (StreamingClassifier stream = client.classifier(LABELS)) {
      stream.send(IMAGE).join();
      stream.send(IMAGE).join();
      stream.send(IMAGE, Labels.ofTask("signs")).join();
      stream.send(IMAGE).join();
    }
    assertEquals(
        List.of(true, false, true, true),
        server.classified.stream().map(request -> request.hasLabelSet()).toList());
  }

  @Test
  void send_tooLargeFirst_labelsComeWithTheNext() {
    try (PerennialClient small = server.connect(server.client().maxMessageSize(2048));
        StreamingClassifier stream = small.classifier(LABELS)) {
      assertThrows(PerennialException.class, () -> stream.send(Image.png(new byte[4096])));
      stream.send(IMAGE).join();
    }
    assertEquals(1, server.classified.size());
    assertTrue(server.classified.peek().hasLabelSet());
  }

  @Test
  void stream_brokenAgainAndAgain_failsWhatIsUnderWay() {
    server.classify =
        (index, answer) -> answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE));
    StreamingClassifier stream = client.classifier(LABELS);
    CompletableFuture<Classification> pending = stream.send(IMAGE);
    ExecutionException e = assertThrows(ExecutionException.class, pending::get);
    assertEquals(Code.UNAVAILABLE, PerennialException.of(e).code());
    assertEquals(RetryPolicy.MAX_ATTEMPTS, server.classified.size());
    server.classify = (index, answer) -> answer.onNext(FakeServer.response(index, "x"));
    assertEquals("x", stream.send(IMAGE).join().best().label());
    stream.close();
  }

  @Test
  void stream_serverGone_endsWithTheReason() {
    StreamingClassifier stream = client.classifier(LABELS);
    stream.send(IMAGE).join();
    server.kill();
    PerennialException e = assertThrows(PerennialException.class, () -> stream.send(IMAGE).join());
    assertEquals(Code.UNAVAILABLE, e.code());
    assertTrue(e.toString().contains("none of 1 serves"), e.toString());
    assertTrue(stream.ready().isCompletedExceptionally());
    stream.close();
  }

  @Test
  void stream_refused_failsWhatIsUnderWayAtOnce() {
    server.classify =
        (index, answer) -> answer.onError(FakeServer.failure(Status.Code.UNAUTHENTICATED));
    StreamingClassifier stream = client.classifier(LABELS);
    CompletableFuture<Classification> pending = stream.send(IMAGE);
    ExecutionException e = assertThrows(ExecutionException.class, pending::get);
    assertEquals(Code.UNAUTHENTICATED, PerennialException.of(e).code());
    assertEquals(1, server.classified.size());
    stream.close();
  }

  @Test
  void stream_onlyServerRestarts_goesOn() throws Exception {
    StreamingClassifier stream = client.classifier(LABELS);
    stream.send(IMAGE).join();
    server.kill();
    server.restart();
    assertEquals("x", stream.send(IMAGE).get(60, TimeUnit.SECONDS).best().label());
    stream.close();
  }

  @Test
  void close_answerUnderWay_waitsForIt() throws Exception {
    server.classify = (index, answer) -> {};
    server.halfClosed = answer -> FakeServer.one(answer, FakeServer.response(0, "x"));
    StreamingClassifier stream = client.classifier(LABELS);
    CompletableFuture<Classification> pending = stream.send(IMAGE);
    stream.close();
    assertEquals("x", pending.get(0, TimeUnit.SECONDS).best().label());
    assertThrows(PerennialException.class, () -> stream.send(IMAGE));
  }

  @Test
  void clientClose_streamOpen_completesItsFutures() throws Exception {
    holdAnswers();
    StreamingClassifier stream = client.classifier(LABELS);
    CompletableFuture<Classification> pending = stream.send(IMAGE);
    take();
    client.close();
    assertTrue(pending.isCompletedExceptionally());
    assertThrows(PerennialException.class, () -> stream.send(IMAGE));
  }
}
