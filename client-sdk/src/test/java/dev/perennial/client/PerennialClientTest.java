package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.ClassifyImageRequest;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class PerennialClientTest {
  private static final Image IMAGE = Image.png(new byte[] {1, 2, 3});
  private static final Labels LABELS = Labels.of("x", "y").template("a {}").top(2);

  private FakeServer server;

  @BeforeEach
  void start() throws IOException {
    server = new FakeServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void everyCall_defaults_hasDeadline() {
    try (PerennialClient client = server.connect()) {
      client.classify(IMAGE, LABELS);
      client.embed(EmbedQuery.text("a"));
      client.listTasks();
      client.listJobs("", 10);
      client.deleteTask("t");
      client.watchJob("job-1", TrainingListener.NONE).join();
      client.train(TrainingSpec.of("t"), Examples.of(List.of()), TrainingListener.NONE).await();
      try (StreamingClassifier stream = client.classifier(LABELS)) {
        stream.send(IMAGE).join();
      }
    }
    assertEquals(8, server.arrivals.size());
    assertTrue(
        server.arrivals.stream().allMatch(FakeServer.Arrival::hasDeadline),
        () -> server.arrivals.toString());
  }

  @Test
  void everyCall_withToken_sendsIt() {
    try (PerennialClient client = server.connect(server.client().token("secret"))) {
      client.classify(IMAGE, LABELS);
      client.embed(EmbedQuery.image(IMAGE).with("t", 0.5f));
      client.listTasks();
    }
    assertEquals(3, server.arrivals.size());
    assertTrue(
        server.arrivals.stream().allMatch(call -> call.authorization().equals("Bearer secret")));
  }

  @Test
  void classify_labels_arriveAsGiven() {
    AtomicReference<ClassifyImageRequest> seen = new AtomicReference<>();
    server.classifyImage =
        (request, answer) -> {
          seen.set(request);
          FakeServer.one(
              answer,
              dev.perennial.v1.ClassifyImageResponse.newBuilder()
                  .setClassification(FakeServer.shows("y"))
                  .build());
        };
    try (PerennialClient client = server.connect()) {
      Classification answer = client.classify(IMAGE, LABELS);
      assertEquals("y", answer.best().label());
      assertNull(answer.routing());
    }
    var request = Objects.requireNonNull(seen.get());
    assertEquals(List.of("x", "y"), request.getLabelSet().getExplicit().getLabelsList());
    assertEquals("a {}", request.getLabelSet().getExplicit().getTemplate());
    assertEquals(2, request.getTopK());
    assertArrayEquals(new byte[] {1, 2, 3}, seen.get().getImage().getEncoded().toByteArray());
  }

  @Test
  void embed_text_givesValues() {
    try (PerennialClient client = server.connect()) {
      Embedding embedding = client.embed(EmbedQuery.text("a"));
      assertArrayEquals(new float[] {0.6f, 0.8f}, embedding.values());
      assertEquals(3, embedding.epoch());
      assertEquals(1, embedding.cosine(embedding), 1e-6);
    }
  }

  @Test
  void classify_retryInfo_triesAgain() {
    AtomicInteger tries = failTimes(2, Status.Code.RESOURCE_EXHAUSTED, true);
    try (PerennialClient client = server.connect()) {
      assertEquals("x", client.classify(IMAGE, LABELS).best().label());
    }
    assertEquals(3, tries.get());
  }

  @Test
  void classify_exhaustedWithoutRetryInfo_failsAtOnce() {
    AtomicInteger tries = failTimes(1, Status.Code.RESOURCE_EXHAUSTED, false);
    try (PerennialClient client = server.connect()) {
      PerennialException e =
          assertThrows(PerennialException.class, () -> client.classify(IMAGE, LABELS));
      assertEquals(Code.RESOURCE_EXHAUSTED, e.code());
    }
    assertEquals(1, tries.get());
  }

  @Test
  void classify_unavailable_triesAgain() {
    AtomicInteger tries = failTimes(1, Status.Code.UNAVAILABLE, false);
    try (PerennialClient client = server.connect()) {
      assertEquals("x", client.classify(IMAGE, LABELS).best().label());
    }
    assertEquals(2, tries.get());
  }

  @Test
  void classify_waitBeyondDeadline_failsWithTheServersError() {
    server.classifyImage =
        (request, answer) ->
            answer.onError(
                FakeServer.failure(
                    Status.Code.RESOURCE_EXHAUSTED, FakeServer.retryAfter(Duration.ofHours(1))));
    try (PerennialClient client = server.connect()) {
      PerennialException e =
          assertThrows(PerennialException.class, () -> client.classify(IMAGE, LABELS));
      assertEquals(Duration.ofHours(1), e.retryAfter());
    }
    assertEquals(1, server.arrived("ClassifyImage"));
  }

  @Test
  void deleteTask_unavailable_isRepeated() {
    server.deleteTask =
        (request, answer) -> answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE));
    try (PerennialClient client = server.connect()) {
      PerennialException e = assertThrows(PerennialException.class, () -> client.deleteTask("t"));
      assertEquals(Code.UNAVAILABLE, e.code());
    }
    assertEquals(RetryPolicy.MAX_ATTEMPTS, server.arrived("DeleteTask"));
  }

  @Test
  void classify_badRequest_carriesDetails() {
    server.classifyImage =
        (request, answer) ->
            answer.onError(
                FakeServer.failure(
                    Status.Code.INVALID_ARGUMENT,
                    FakeServer.reason("IMAGE_NOT_DECODABLE"),
                    FakeServer.field("image.encoded")));
    try (PerennialClient client = server.connect()) {
      PerennialException e =
          assertThrows(PerennialException.class, () -> client.classify(IMAGE, LABELS));
      assertEquals(Code.INVALID_ARGUMENT, e.code());
      assertEquals("IMAGE_NOT_DECODABLE", e.reason());
      assertEquals("image.encoded", e.field());
      assertNull(e.retryAfter());
      assertEquals("queue: full", e.getMessage());
    }
  }

  @Test
  void classify_overTheMessageLimit_isRefusedHere() {
    try (PerennialClient client = server.connect(server.client().maxMessageSize(2048))) {
      PerennialException e =
          assertThrows(
              PerennialException.class, () -> client.classify(Image.png(new byte[4096]), LABELS));
      assertEquals(Code.INVALID_ARGUMENT, e.code());
    }
    assertEquals(0, server.arrivals.size());
  }

  @Test
  void close_callPending_completesItsFuture() throws Exception {
    CompletableFuture<Void> arrived = new CompletableFuture<>();
    server.classifyImage = (request, answer) -> arrived.complete(null);
    PerennialClient client = server.connect();
    CompletableFuture<Classification> pending = client.classifyAsync(IMAGE, LABELS);
    arrived.get(60, TimeUnit.SECONDS);
    assertFalse(pending.isDone());
    client.close();
    assertTrue(pending.isDone());
    ExecutionException e = assertThrows(ExecutionException.class, pending::get);
    assertTrue(e.getCause() instanceof PerennialException, () -> String.valueOf(e.getCause()));
    client.close();
    assertThrows(PerennialException.class, () -> client.classify(IMAGE, LABELS));
  }

  @Test
  void close_retryScheduled_completesItsFuture() throws Exception {
    CompletableFuture<Void> arrived = new CompletableFuture<>();
    server.classifyImage =
        (request, answer) -> {
          answer.onError(
              FakeServer.failure(
                  Status.Code.RESOURCE_EXHAUSTED, FakeServer.retryAfter(Duration.ofSeconds(20))));
          arrived.complete(null);
        };
    PerennialClient client = server.connect();
    CompletableFuture<Classification> pending = client.classifyAsync(IMAGE, LABELS);
    arrived.get(60, TimeUnit.SECONDS);
    client.close();
    assertThrows(ExecutionException.class, pending::get);
    assertEquals(1, server.arrived("ClassifyImage"));
  }

  @Test
  void classifyAsync_cancelled_cancelsTheCall() throws Exception {
    CompletableFuture<Void> cancelled = new CompletableFuture<>();
    CompletableFuture<Void> arrived = new CompletableFuture<>();
    server.classifyImage =
        (request, answer) -> {
          ((io.grpc.stub.ServerCallStreamObserver<?>) answer)
              .setOnCancelHandler(() -> cancelled.complete(null));
          arrived.complete(null);
        };
    try (PerennialClient client = server.connect()) {
      CompletableFuture<Classification> pending = client.classifyAsync(IMAGE, LABELS);
      arrived.get(60, TimeUnit.SECONDS);
      pending.cancel(true);
      cancelled.get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void build_channelsOutOfRange_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> PerennialClient.builder().channels(1));
    assertThrows(IllegalArgumentException.class, () -> PerennialClient.builder().channels(5));
    assertThrows(
        IllegalArgumentException.class, () -> PerennialClient.builder().deadline(Duration.ZERO));
    assertThrows(IllegalStateException.class, () -> PerennialClient.builder().build());
  }

  private AtomicInteger failTimes(int times, Status.Code code, boolean retryInfo) {
    AtomicInteger tries = new AtomicInteger();
    var good = server.classifyImage;
    server.classifyImage =
        (request, answer) -> {
          if (tries.incrementAndGet() > times) {
            good.accept(request, answer);
          } else if (retryInfo) {
            answer.onError(FakeServer.failure(code, FakeServer.retryAfter(Duration.ofMillis(1))));
          } else {
            answer.onError(FakeServer.failure(code));
          }
        };
    return tries;
  }
}
