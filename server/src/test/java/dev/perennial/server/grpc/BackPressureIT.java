package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.rpc.Status;
import dev.perennial.server.StreamAnswers;
import dev.perennial.server.TestServer;
import dev.perennial.v1.EmbedRequest;
import dev.perennial.v1.EmbedResponse;
import dev.perennial.v1.Embedding;
import dev.perennial.v1.Image;
import dev.perennial.v1.InferenceProto;
import dev.perennial.v1.InferenceServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The bounds of one stream, over real sockets, with answers that the test gives by hand: what is
 * read but not answered, and what is answered but not taken.
 */
class BackPressureIT {
  private static final int MAX_IN_FLIGHT = 5;
  private static final int MAX_BYTES = 300_000;
  private static final ServiceDescriptor SERVICE =
      InferenceProto.getDescriptor().findServiceByName("InferenceService");

  /** Requests that were read and not answered yet. */
  private final Queue<CompletableFuture<Supplier<EmbedResponse>>> unanswered =
      new ConcurrentLinkedQueue<>();

  private final AtomicInteger read = new AtomicInteger();
  private volatile boolean answerAtOnce;
  private GrpcEndpoint endpoint;
  private ManagedChannel channel;

  private final class Items extends ItemStream<EmbedRequest, EmbedResponse> {
    Items(Call<EmbedRequest, EmbedResponse> call, GrpcConfig config) {
      super(call, config);
    }

    @Override
    CompletableFuture<Supplier<EmbedResponse>> answer(EmbedRequest request, long index) {
      CompletableFuture<Supplier<EmbedResponse>> answer = new CompletableFuture<>();
      if (answerAtOnce) {
        answer.complete(() -> large(index));
      } else {
        unanswered.add(answer);
      }
      read.incrementAndGet(); // last: who sees it finds what was read
      return answer;
    }

    @Override
    EmbedResponse error(long index, Status error) {
      return EmbedResponse.newBuilder().setIndex(index).setError(error).build();
    }
  }

  /** 40 kB: a few fill the client's window. */
  private static EmbedResponse large(long index) {
    Embedding.Builder embedding = Embedding.newBuilder();
    IntStream.range(0, 10_000).forEach(i -> embedding.addValues(i));
    return EmbedResponse.newBuilder().setIndex(index).setEmbedding(embedding).build();
  }

  @BeforeEach
  void start() {
    GrpcConfig defaults = GrpcConfig.DEFAULT;
    GrpcConfig config =
        new GrpcConfig(
            "127.0.0.1",
            0,
            1,
            defaults.maxMessageBytes(),
            10,
            MAX_IN_FLIGHT,
            MAX_BYTES,
            1,
            10,
            defaults.maxDecodeQueueBytes(),
            defaults.maxCallDuration(),
            defaults.drainTimeout(),
            null,
            null);
    HealthService health = new HealthService(Set.of());
    List<Method<?, ?>> methods = new ArrayList<>(health.methods());
    methods.add(
        Method.<EmbedRequest, EmbedResponse>stream(
            SERVICE, "Embed", EmbedRequest.getDefaultInstance(), call -> new Items(call, config)));
    endpoint = new GrpcEndpoint(config, methods, health, new CompletableFuture<>());
    endpoint.start();
    channel = TestServer.newChannel(endpoint.port());
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    endpoint.close();
  }

  private static EmbedRequest request(int bytes) {
    return EmbedRequest.newBuilder()
        .setImage(Image.newBuilder().setEncoded(ByteString.copyFrom(new byte[bytes])))
        .build();
  }

  @Test
  void stream_nothingAnswered_readsNoMoreThanItsBound() {
    StreamAnswers<EmbedRequest, EmbedResponse> answers = StreamAnswers.eager();
    StreamObserver<EmbedRequest> call = InferenceServiceGrpc.newStub(channel).embed(answers);
    for (int i = 0; i < 100; i++) {
      call.onNext(request(10));
    }
    call.onCompleted();
    Until.holds(() -> read.get() == MAX_IN_FLIGHT);
    for (int answered = 0; answered < 100; answered++) {
      Until.holds(() -> !unanswered.isEmpty());
      int before = read.get();
      assertTrue(before <= answered + MAX_IN_FLIGHT, before + " read, " + answered + " answered");
      long index = answered;
      unanswered.remove().complete(() -> EmbedResponse.newBuilder().setIndex(index).build());
      assertEquals(index, answers.next().getIndex());
    }
    assertNull(answers.end());
  }

  /** Vert.x pauses and resumes what it has read to its end, and says then that this may not be. */
  @Test
  void stream_halfClosedWithSoManyUnread_endsWellAndQuietly() {
    try (SaidByServer said = SaidByServer.listen()) {
      for (int requests = MAX_IN_FLIGHT; requests < MAX_IN_FLIGHT + 20; requests++) {
        StreamAnswers<EmbedRequest, EmbedResponse> answers = StreamAnswers.eager();
        StreamObserver<EmbedRequest> call = InferenceServiceGrpc.newStub(channel).embed(answers);
        for (int i = 0; i < requests; i++) {
          call.onNext(request(10));
        }
        call.onCompleted();
        for (int i = 0; i < requests; i++) {
          long index = i;
          Until.holds(() -> !unanswered.isEmpty());
          unanswered.remove().complete(() -> EmbedResponse.newBuilder().setIndex(index).build());
          assertEquals(index, answers.next().getIndex());
        }
        assertNull(answers.end());
      }
      assertEquals(List.of(), said.failures());
    }
  }

  @Test
  void stream_largeRequests_readsNoMoreThanItsBytes() {
    StreamAnswers<EmbedRequest, EmbedResponse> answers = StreamAnswers.eager();
    StreamObserver<EmbedRequest> call = InferenceServiceGrpc.newStub(channel).embed(answers);
    for (int i = 0; i < 10; i++) {
      call.onNext(request(MAX_BYTES / 2));
    }
    // Two fill the bound (one message more is always let in when there is room for a byte).
    Until.holds(() -> read.get() == 2);
    unanswered.remove().complete(() -> EmbedResponse.getDefaultInstance());
    answers.next();
    Until.holds(() -> read.get() == 3);
    assertEquals(2, unanswered.size());
    answers.cancel();
  }

  @Test
  void stream_clientTakesNothing_isNotReadOn() {
    answerAtOnce = true;
    StreamAnswers<EmbedRequest, EmbedResponse> answers = StreamAnswers.slow();
    StreamObserver<EmbedRequest> call = InferenceServiceGrpc.newStub(channel).embed(answers);
    int sent = 1_000;
    for (int i = 0; i < sent; i++) {
      call.onNext(request(1_000));
    }
    call.onCompleted();
    int reads = stable(read);
    // Without back-pressure all would be read. The client's window and Vert.x's write queue take
    // some tens of answers of 40 kB.
    assertTrue(reads < 200, reads + " read");
    answers.request(sent);
    for (int i = 0; i < sent; i++) {
      assertEquals(i, answers.next().getIndex());
    }
    answers.request(1);
    assertNull(answers.end());
  }

  @Test
  void stream_cancelledByClient_cancelsWhatIsInFlight() {
    StreamAnswers<EmbedRequest, EmbedResponse> answers = StreamAnswers.eager();
    StreamObserver<EmbedRequest> call = InferenceServiceGrpc.newStub(channel).embed(answers);
    for (int i = 0; i < 10; i++) {
      call.onNext(request(10));
    }
    Until.holds(() -> read.get() == MAX_IN_FLIGHT);
    assertFalse(unanswered.stream().anyMatch(CompletableFuture::isDone));
    answers.cancel();
    Until.holds(() -> unanswered.stream().allMatch(CompletableFuture::isCancelled));
    Until.holds(() -> endpoint.activeCalls() == 0);
    assertEquals(MAX_IN_FLIGHT, read.get());
  }

  @Test
  void stream_connectionLost_cancelsWhatIsInFlight() {
    StreamAnswers<EmbedRequest, EmbedResponse> answers = StreamAnswers.eager();
    StreamObserver<EmbedRequest> call = InferenceServiceGrpc.newStub(channel).embed(answers);
    for (int i = 0; i < 10; i++) {
      call.onNext(request(10));
    }
    call.onCompleted();
    Until.holds(() -> read.get() == MAX_IN_FLIGHT);
    channel.shutdownNow();
    Until.holds(() -> unanswered.stream().allMatch(CompletableFuture::isCancelled));
    Until.holds(() -> endpoint.activeCalls() == 0);
  }

  /** The value once it has not changed for a while. */
  private static int stable(AtomicInteger value) {
    int[] last = {-1, 0};
    Until.holds(
        () -> {
          int now = value.get();
          last[1] = now == last[0] ? last[1] + 1 : 0;
          last[0] = now;
          return last[1] >= 100;
        });
    return last[0];
  }
}
