package dev.perennial.client;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClassifyImageResponse;
import dev.perennial.v1.ClassifyRequest;
import dev.perennial.v1.ClassifyResponse;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.DeleteTaskResponse;
import dev.perennial.v1.EmbedRequest;
import dev.perennial.v1.EmbedResponse;
import dev.perennial.v1.Embedding;
import dev.perennial.v1.InferenceServiceGrpc;
import dev.perennial.v1.LabelScore;
import dev.perennial.v1.ListTasksRequest;
import dev.perennial.v1.ListTasksResponse;
import dev.perennial.v1.ListTrainingJobsRequest;
import dev.perennial.v1.ListTrainingJobsResponse;
import dev.perennial.v1.TaskServiceGrpc;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import dev.perennial.v1.TrainingServiceGrpc;
import dev.perennial.v1.WatchTrainingJobRequest;
import dev.perennial.v1.WatchTrainingJobResponse;
import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerTransportFilter;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A server in this process whose answers a test writes. It notes each call's method, deadline and
 * token. What a test leaves alone answers something harmless.
 */
final class FakeServer implements AutoCloseable {
  /** A call as it arrived; a client has a connection for each of its channels. */
  record Arrival(String method, boolean hasDeadline, String authorization, int connection) {}

  private static final Attributes.Key<Integer> CONNECTION = Attributes.Key.create("connection");
  private static final AtomicInteger CONNECTIONS = new AtomicInteger();

  final List<Arrival> arrivals = Collections.synchronizedList(new ArrayList<>());
  final LinkedBlockingQueue<ClassifyRequest> classified = new LinkedBlockingQueue<>();

  volatile BiConsumer<ClassifyImageRequest, StreamObserver<ClassifyImageResponse>> classifyImage =
      (request, answer) ->
          one(answer, ClassifyImageResponse.newBuilder().setClassification(shows("x")).build());
  volatile BiConsumer<Long, StreamObserver<ClassifyResponse>> classify =
      (index, answer) -> answer.onNext(response(index, "x"));
  volatile Consumer<StreamObserver<ClassifyResponse>> halfClosed = StreamObserver::onCompleted;
  volatile BiConsumer<DeleteTaskRequest, StreamObserver<DeleteTaskResponse>> deleteTask =
      (request, answer) -> one(answer, DeleteTaskResponse.newBuilder().setEpoch(7).build());
  volatile Function<StreamObserver<TrainResponse>, StreamObserver<TrainRequest>> train;
  volatile BiConsumer<WatchTrainingJobRequest, StreamObserver<WatchTrainingJobResponse>> watch =
      (request, answer) ->
          one(
              answer,
              WatchTrainingJobResponse.newBuilder()
                  .setJob(job(request.getJobId(), "r", true))
                  .build());
  volatile List<TrainingJob> jobs = List.of();

  final String name = UUID.randomUUID().toString();
  private final HealthStatusManager health = new HealthStatusManager();
  private Server server;

  FakeServer() throws IOException {
    train =
        answer ->
            new Uploads(
                answer, () -> answer.onNext(event(job("job-1", "r", true))), answer::onCompleted);
    server = listen();
  }

  private Server listen() throws IOException {
    return InProcessServerBuilder.forName(name)
        .addTransportFilter(new Numbering())
        .intercept(new Noting())
        .addService(new Inference())
        .addService(new Training())
        .addService(new Tasks())
        .addService(health.getHealthService())
        .build()
        .start();
  }

  ClientBuilder client() {
    return PerennialClient.builder().closeGrace(Duration.ofMillis(200));
  }

  PerennialClient connect(ClientBuilder builder) {
    return builder.build(() -> InProcessChannelBuilder.forName(name), new RetryPolicy(() -> 0.0));
  }

  PerennialClient connect() {
    return connect(client());
  }

  long arrived(String method) {
    synchronized (arrivals) {
      return arrivals.stream().filter(call -> call.method().endsWith(method)).count();
    }
  }

  /** Over how many connections such calls came after so many arrivals. */
  long connections(String method, long earlier) {
    synchronized (arrivals) {
      return arrivals.stream()
          .skip(earlier)
          .filter(call -> call.method().endsWith(method))
          .mapToInt(Arrival::connection)
          .distinct()
          .count();
    }
  }

  /** What health says from now on, to those who watch, too. */
  void serving(boolean serving) {
    health.setStatus("", serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  /** Every connection breaks, and none is taken any more. */
  void kill() {
    server.shutdownNow();
    try {
      server.awaitTermination();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The same from within a call. */
  void killSoon() {
    server.shutdownNow();
  }

  /** After a kill it listens again. */
  void restart() throws IOException {
    server = listen();
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  static <T> void one(StreamObserver<T> answer, T value) {
    answer.onNext(value);
    answer.onCompleted();
  }

  static dev.perennial.v1.Classification shows(String label) {
    return dev.perennial.v1.Classification.newBuilder()
        .addScores(LabelScore.newBuilder().setLabel(label).setProbability(1))
        .build();
  }

  static ClassifyResponse response(long index, String label) {
    return ClassifyResponse.newBuilder().setIndex(index).setClassification(shows(label)).build();
  }

  static TrainingJob job(String id, String requestId, boolean ended) {
    return TrainingJob.newBuilder()
        .setJobId(id)
        .setRequestId(requestId)
        .setState(
            ended
                ? TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED
                : TrainingJobState.TRAINING_JOB_STATE_RUNNING)
        .build();
  }

  static TrainResponse event(TrainingJob job) {
    return TrainResponse.newBuilder().setJob(job).build();
  }

  static com.google.rpc.Status status(io.grpc.Status.Code code, Any... details) {
    return com.google.rpc.Status.newBuilder()
        .setCode(code.value())
        .setMessage("queue: full")
        .addAllDetails(List.of(details))
        .build();
  }

  static StatusRuntimeException failure(io.grpc.Status.Code code, Any... details) {
    return StatusProto.toStatusRuntimeException(status(code, details));
  }

  static Any retryAfter(Duration delay) {
    return Any.pack(
        RetryInfo.newBuilder()
            .setRetryDelay(
                com.google.protobuf.Duration.newBuilder()
                    .setSeconds(delay.getSeconds())
                    .setNanos(delay.getNano()))
            .build());
  }

  static Any reason(String reason) {
    return Any.pack(ErrorInfo.newBuilder().setReason(reason).build());
  }

  static Any field(String field) {
    return Any.pack(
        BadRequest.newBuilder()
            .addFieldViolations(BadRequest.FieldViolation.newBuilder().setField(field))
            .build());
  }

  /** Counts an upload and tells when it is committed and when its stream ends. */
  static class Uploads implements StreamObserver<TrainRequest> {
    private final StreamObserver<TrainResponse> answer;
    private final Runnable committed;
    private final Runnable completed;
    final List<TrainRequest> parts = Collections.synchronizedList(new ArrayList<>());

    Uploads(StreamObserver<TrainResponse> answer, Runnable committed, Runnable completed) {
      this.answer = answer;
      this.committed = committed;
      this.completed = completed;
    }

    /** Acknowledges so many. */
    void spooled(long examples) {
      answer.onNext(
          TrainResponse.newBuilder()
              .setSpooled(dev.perennial.v1.ExamplesSpooled.newBuilder().setExamples(examples))
              .build());
    }

    @Override
    public void onNext(TrainRequest part) {
      parts.add(part);
      if (part.hasExample()) {
        spooled(parts.size() - 1L);
      } else if (part.hasCommit()) {
        committed.run();
      }
    }

    @Override
    public void onError(Throwable reason) {}

    @Override
    public void onCompleted() {
      completed.run();
    }
  }

  private static final class Numbering extends ServerTransportFilter {
    @Override
    public Attributes transportReady(Attributes transport) {
      return transport.toBuilder().set(CONNECTION, CONNECTIONS.incrementAndGet()).build();
    }
  }

  private final class Noting implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      String token =
          headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
      String method = call.getMethodDescriptor().getFullMethodName();
      if (!method.startsWith("grpc.health")) {
        boolean hasDeadline = Context.current().getDeadline() != null;
        int connection = Objects.requireNonNull(call.getAttributes().get(CONNECTION));
        arrivals.add(new Arrival(method, hasDeadline, token == null ? "" : token, connection));
      }
      return next.startCall(call, headers);
    }
  }

  private final class Inference extends InferenceServiceGrpc.InferenceServiceImplBase {
    @Override
    public void classifyImage(
        ClassifyImageRequest request, StreamObserver<ClassifyImageResponse> answer) {
      classifyImage.accept(request, answer);
    }

    @Override
    public StreamObserver<ClassifyRequest> classify(StreamObserver<ClassifyResponse> answer) {
      ((ServerCallStreamObserver<ClassifyResponse>) answer).setOnCancelHandler(() -> {});
      return new StreamObserver<>() {
        private long index;

        @Override
        public void onNext(ClassifyRequest request) {
          var how = classify; // who sees the request below may say what becomes of the next one
          classified.add(request);
          how.accept(index++, answer);
        }

        @Override
        public void onError(Throwable reason) {}

        @Override
        public void onCompleted() {
          halfClosed.accept(answer);
        }
      };
    }

    @Override
    public StreamObserver<EmbedRequest> embed(StreamObserver<EmbedResponse> answer) {
      return new StreamObserver<>() {
        private long index;

        @Override
        public void onNext(EmbedRequest request) {
          answer.onNext(
              EmbedResponse.newBuilder()
                  .setIndex(index++)
                  .setEmbedding(Embedding.newBuilder().addValues(0.6f).addValues(0.8f).setEpoch(3))
                  .build());
        }

        @Override
        public void onError(Throwable reason) {}

        @Override
        public void onCompleted() {
          answer.onCompleted();
        }
      };
    }
  }

  private final class Training extends TrainingServiceGrpc.TrainingServiceImplBase {
    @Override
    public StreamObserver<TrainRequest> train(StreamObserver<TrainResponse> answer) {
      ((ServerCallStreamObserver<TrainResponse>) answer).setOnCancelHandler(() -> {});
      return train.apply(answer);
    }

    @Override
    public void watchTrainingJob(
        WatchTrainingJobRequest request, StreamObserver<WatchTrainingJobResponse> answer) {
      ((ServerCallStreamObserver<WatchTrainingJobResponse>) answer).setOnCancelHandler(() -> {});
      watch.accept(request, answer);
    }

    @Override
    public void listTrainingJobs(
        ListTrainingJobsRequest request, StreamObserver<ListTrainingJobsResponse> answer) {
      one(answer, ListTrainingJobsResponse.newBuilder().addAllJobs(jobs).build());
    }
  }

  private final class Tasks extends TaskServiceGrpc.TaskServiceImplBase {
    @Override
    public void listTasks(ListTasksRequest request, StreamObserver<ListTasksResponse> answer) {
      one(answer, ListTasksResponse.newBuilder().setEpoch(9).build());
    }

    @Override
    public void deleteTask(DeleteTaskRequest request, StreamObserver<DeleteTaskResponse> answer) {
      deleteTask.accept(request, answer);
    }
  }
}
