package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import dev.perennial.server.TestServer;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.GetTaskResponse;
import dev.perennial.v1.ListTasksRequest;
import dev.perennial.v1.TaskProto;
import dev.perennial.v1.TaskServiceGrpc;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The wire by itself: one method whose answer each test chooses, over real sockets. */
class GrpcEndpointIT {
  private static final ServiceDescriptor SERVICE =
      TaskProto.getDescriptor().findServiceByName("TaskService");

  private final AtomicReference<Supplier<CompletableFuture<GetTaskResponse>>> answer =
      new AtomicReference<>(
          () -> CompletableFuture.completedFuture(GetTaskResponse.getDefaultInstance()));
  private final HealthService health = new HealthService(Set.of(SERVICE.getFullName()));
  private final CompletableFuture<Void> outOfService = new CompletableFuture<>();
  private GrpcEndpoint endpoint;
  private ManagedChannel channel;

  @BeforeEach
  void start() {
    List<Method<?, ?>> methods = new ArrayList<>(health.methods());
    methods.add(
        Method.<GetTaskRequest, GetTaskResponse>unary(
            SERVICE,
            "GetTask",
            GetTaskRequest.getDefaultInstance(),
            (call, q) -> Objects.requireNonNull(answer.get()).get()));
    methods.addAll(new ReflectionService(List.of(SERVICE)).methods());
    endpoint =
        new GrpcEndpoint(GrpcConfig.DEFAULT.at("127.0.0.1", 0), methods, health, outOfService);
    endpoint.start();
    channel = channel();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    endpoint.close();
  }

  private ManagedChannel channel() {
    return NettyChannelBuilder.forAddress("127.0.0.1", endpoint.port()).usePlaintext().build();
  }

  private TaskServiceGrpc.TaskServiceBlockingStub tasks() {
    return TaskServiceGrpc.newBlockingStub(channel).withDeadlineAfter(4, TimeUnit.MINUTES);
  }

  private com.google.rpc.Status statusOf(Throwable failure) {
    answer.set(() -> CompletableFuture.failedFuture(failure));
    StatusRuntimeException seen =
        assertThrows(
            StatusRuntimeException.class,
            () -> tasks().getTask(GetTaskRequest.getDefaultInstance()));
    com.google.rpc.Status status = StatusProto.fromThrowable(seen);
    assertEquals(seen.getStatus().getCode().value(), status.getCode());
    assertEquals(seen.getStatus().getDescription(), status.getMessage());
    return status;
  }

  @Test
  void call_everyErrorCode_hasItsStatusReasonAndText() throws Exception {
    for (ErrorCode code : ErrorCode.values()) {
      com.google.rpc.Status status =
          statusOf(new ServingException(code, "SOME_REASON", "größe: 0 (expected: 1..256) 100 %"));
      assertEquals(Status.Code.valueOf(code.name()).value(), status.getCode());
      assertEquals("größe: 0 (expected: 1..256) 100 %", status.getMessage());
      ErrorInfo info = status.getDetails(0).unpack(ErrorInfo.class);
      assertEquals("SOME_REASON", info.getReason());
      assertEquals("perennial.dev", info.getDomain());
      assertEquals(1, status.getDetailsCount());
    }
  }

  @Test
  void call_wrongField_namesIt() throws Exception {
    com.google.rpc.Status status =
        statusOf(
            ServingException.invalid("BAD_LABEL", "label_set.explicit.labels[3]", "labels: ..."));
    BadRequest.FieldViolation violation =
        status.getDetails(1).unpack(BadRequest.class).getFieldViolations(0);
    assertEquals("label_set.explicit.labels[3]", violation.getField());
    assertEquals("BAD_LABEL", violation.getReason());
  }

  @Test
  void call_boundReached_saysWhenToRetry() throws Exception {
    com.google.rpc.Status status =
        statusOf(ServingException.exhausted("QUEUE_FULL", "queue: 9", Duration.ofMillis(1_250)));
    RetryInfo retry = status.getDetails(1).unpack(RetryInfo.class);
    assertEquals(1, retry.getRetryDelay().getSeconds());
    assertEquals(250_000_000, retry.getRetryDelay().getNanos());
  }

  @Test
  void call_unexpectedException_showsNothingOfItself() throws InvalidProtocolBufferException {
    com.google.rpc.Status status = statusOf(new IllegalStateException("secret path /etc"));
    assertEquals(Status.Code.INTERNAL.value(), status.getCode());
    assertFalse(status.toString().contains("secret"), status.toString());
    String id = status.getDetails(0).unpack(ErrorInfo.class).getMetadataOrThrow("error_id");
    assertTrue(status.getMessage().contains(id));
  }

  @Test
  void call_exceptionThrownByMethod_isTheSameAsAFailedFuture() {
    answer.set(
        () -> {
          throw ServingException.invalid("X", "name", "name: empty");
        });
    StatusRuntimeException seen =
        assertThrows(
            StatusRuntimeException.class,
            () -> tasks().getTask(GetTaskRequest.getDefaultInstance()));
    assertEquals(Status.Code.INVALID_ARGUMENT, seen.getStatus().getCode());
  }

  @Test
  void call_unboundMethod_isUnimplemented() {
    StatusRuntimeException seen =
        assertThrows(
            StatusRuntimeException.class,
            () -> tasks().listTasks(ListTasksRequest.getDefaultInstance()));
    assertEquals(Status.Code.UNIMPLEMENTED, seen.getStatus().getCode());
    assertTrue(seen.getStatus().getDescription().contains("TaskService/ListTasks"));
  }

  /** What clients call us by that know several addresses, or find them in a way of their own. */
  @ParameterizedTest
  @ValueSource(strings = {"localhost", "127.0.0.1:1,127.0.0.1:2", "a%2Fb", "a%3A1", "a:b"})
  void call_anyAuthority_isAnswered(String authority) {
    ManagedChannel other =
        NettyChannelBuilder.forAddress("127.0.0.1", endpoint.port())
            .usePlaintext()
            .overrideAuthority(authority)
            .build();
    try {
      assertEquals(
          GetTaskResponse.getDefaultInstance(),
          TaskServiceGrpc.newBlockingStub(other)
              .withDeadlineAfter(4, TimeUnit.MINUTES)
              .getTask(GetTaskRequest.getDefaultInstance()));
    } finally {
      other.shutdownNow();
    }
  }

  @Test
  void call_gzip_isUnderstood() {
    assertEquals(
        GetTaskResponse.getDefaultInstance(),
        tasks()
            .withCompression("gzip")
            .getTask(GetTaskRequest.newBuilder().setName("x".repeat(1_000)).build()));
  }

  @Test
  void call_messageOverTheLimit_isRefusedWithText() {
    GetTaskRequest large = GetTaskRequest.newBuilder().setName("x".repeat(17 << 20)).build();
    StatusRuntimeException seen =
        assertThrows(StatusRuntimeException.class, () -> tasks().getTask(large));
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, seen.getStatus().getCode());
    assertTrue(seen.getStatus().getDescription().contains("16777216"), seen::getMessage);
    assertEquals(
        0, tasks().getTask(GetTaskRequest.getDefaultInstance()).getTask().getVersionsCount());
  }

  @Test
  void call_gzipBomb_isRefusedWithText() {
    GetTaskRequest large = GetTaskRequest.newBuilder().setName("x".repeat(64 << 20)).build();
    StatusRuntimeException seen =
        assertThrows(
            StatusRuntimeException.class, () -> tasks().withCompression("gzip").getTask(large));
    assertEquals(Status.Code.RESOURCE_EXHAUSTED, seen.getStatus().getCode());
    assertTrue(seen.getStatus().getDescription().contains("unzipped"), seen::getMessage);
  }

  @Test
  void call_deadlinePassed_cancelsTheWork() throws Exception {
    CompletableFuture<GetTaskResponse> never = new CompletableFuture<>();
    answer.set(() -> never);
    // The header alone: a client that counts as well may give up before its request has left.
    Metadata deadline = new Metadata();
    deadline.put(Metadata.Key.of("grpc-timeout", Metadata.ASCII_STRING_MARSHALLER), "50m");
    StatusRuntimeException seen =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                TaskServiceGrpc.newBlockingStub(channel)
                    .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(deadline))
                    .getTask(GetTaskRequest.getDefaultInstance()));
    assertEquals(Status.Code.DEADLINE_EXCEEDED, seen.getStatus().getCode());
    assertThrows(
        java.util.concurrent.CancellationException.class, () -> never.get(60, TimeUnit.SECONDS));
  }

  @Test
  void call_cancelledByClient_cancelsTheWork() {
    CompletableFuture<GetTaskResponse> never = new CompletableFuture<>();
    CountDownLatch called = new CountDownLatch(1);
    answer.set(
        () -> {
          called.countDown();
          return never;
        });
    var future =
        TaskServiceGrpc.newFutureStub(channel).getTask(GetTaskRequest.getDefaultInstance());
    assertTrue(await(called));
    future.cancel(true);
    assertThrows(
        java.util.concurrent.CancellationException.class, () -> never.get(60, TimeUnit.SECONDS));
  }

  @Test
  void call_connectionLost_cancelsTheWorkAndTheWatches() throws Exception {
    CompletableFuture<GetTaskResponse> never = new CompletableFuture<>();
    CountDownLatch called = new CountDownLatch(1);
    answer.set(
        () -> {
          called.countDown();
          return never;
        });
    var future =
        TaskServiceGrpc.newFutureStub(channel).getTask(GetTaskRequest.getDefaultInstance());
    Iterator<HealthCheckResponse> watch =
        HealthGrpc.newBlockingStub(channel).watch(HealthCheckRequest.getDefaultInstance());
    assertEquals(ServingStatus.SERVING, watch.next().getStatus());
    assertTrue(await(called));
    assertEquals(1, health.watchers());
    channel.shutdownNow();
    assertThrows(
        java.util.concurrent.CancellationException.class, () -> never.get(60, TimeUnit.SECONDS));
    assertTrue(future.isDone() || future.cancel(true));
    Until.holds(() -> health.watchers() == 0 && endpoint.activeCalls() == 0);
  }

  /** No reset of any stream comes: only the socket is gone, and the requests had all been sent. */
  @Test
  void call_socketGone_cancelsTheWorkAndTheWatches() throws Exception {
    CompletableFuture<GetTaskResponse> never = new CompletableFuture<>();
    CountDownLatch called = new CountDownLatch(1);
    answer.set(
        () -> {
          called.countDown();
          return never;
        });
    try (TcpProxy proxy = new TcpProxy(endpoint.port())) {
      ManagedChannel proxied = TestServer.newChannel(proxy.port());
      var future =
          TaskServiceGrpc.newFutureStub(proxied).getTask(GetTaskRequest.getDefaultInstance());
      Iterator<HealthCheckResponse> watch =
          HealthGrpc.newBlockingStub(proxied).watch(HealthCheckRequest.getDefaultInstance());
      assertEquals(ServingStatus.SERVING, watch.next().getStatus());
      assertTrue(await(called));
      proxy.cut();
      Until.holds(() -> health.watchers() == 0 && endpoint.activeCalls() == 0);
      assertTrue(never.isCancelled());
      assertThrows(
          java.util.concurrent.ExecutionException.class, () -> future.get(4, TimeUnit.MINUTES));
      proxied.shutdownNow();
    }
  }

  @Test
  void health_checkAndWatch_knowEachService() {
    HealthGrpc.HealthBlockingStub stub = HealthGrpc.newBlockingStub(channel);
    for (String service : List.of("", SERVICE.getFullName())) {
      HealthCheckRequest request = HealthCheckRequest.newBuilder().setService(service).build();
      assertEquals(ServingStatus.SERVING, stub.check(request).getStatus());
    }
    HealthCheckRequest unknown = HealthCheckRequest.newBuilder().setService("nobody").build();
    StatusRuntimeException seen =
        assertThrows(StatusRuntimeException.class, () -> stub.check(unknown));
    assertEquals(Status.Code.NOT_FOUND, seen.getStatus().getCode());
    assertEquals(ServingStatus.SERVICE_UNKNOWN, stub.watch(unknown).next().getStatus());
  }

  @Test
  void health_nothingBehindTheMethodsAnyMore_notServing() {
    HealthGrpc.HealthBlockingStub stub = HealthGrpc.newBlockingStub(channel);
    Iterator<HealthCheckResponse> watch = stub.watch(HealthCheckRequest.getDefaultInstance());
    assertEquals(ServingStatus.SERVING, watch.next().getStatus());
    outOfService.complete(null);
    assertEquals(ServingStatus.NOT_SERVING, watch.next().getStatus());
    assertEquals(
        ServingStatus.NOT_SERVING, stub.check(HealthCheckRequest.getDefaultInstance()).getStatus());
  }

  @Test
  void health_oneWatcherCancelled_othersGoOn() {
    HealthGrpc.HealthBlockingStub stub = HealthGrpc.newBlockingStub(channel);
    io.grpc.Context.CancellableContext leaving = io.grpc.Context.current().withCancellation();
    AtomicReference<Iterator<HealthCheckResponse>> first = new AtomicReference<>();
    leaving.run(() -> first.set(stub.watch(HealthCheckRequest.getDefaultInstance())));
    Iterator<HealthCheckResponse> second = stub.watch(HealthCheckRequest.getDefaultInstance());
    assertEquals(ServingStatus.SERVING, Objects.requireNonNull(first.get()).next().getStatus());
    assertEquals(ServingStatus.SERVING, second.next().getStatus());
    leaving.cancel(null);
    Until.holds(() -> health.watchers() == 1);
    health.serving(false);
    assertEquals(ServingStatus.NOT_SERVING, second.next().getStatus());
    health.serving(true);
    assertEquals(ServingStatus.SERVING, second.next().getStatus());
  }

  /**
   * The connection says that it ends (GOAWAY), and nobody listens any more: a client that knows
   * another server asks there, health check or not.
   */
  @Test
  void close_runningCall_finishesAndTheClientLooksForAnotherServer() throws Exception {
    CompletableFuture<GetTaskResponse> slow = new CompletableFuture<>();
    CountDownLatch called = new CountDownLatch(1);
    answer.set(
        () -> {
          called.countDown();
          return slow;
        });
    var running =
        TaskServiceGrpc.newFutureStub(channel).getTask(GetTaskRequest.getDefaultInstance());
    assertTrue(await(called));
    Iterator<HealthCheckResponse> watch =
        HealthGrpc.newBlockingStub(channel).watch(HealthCheckRequest.getDefaultInstance());
    assertEquals(ServingStatus.SERVING, watch.next().getStatus());
    CompletableFuture<Void> closing = CompletableFuture.runAsync(endpoint::close);
    assertEquals(ServingStatus.NOT_SERVING, watch.next().getStatus());
    Until.holds(() -> channel.getState(false) == ConnectivityState.IDLE);
    assertThrows(
        ConnectException.class,
        () -> new Socket(InetAddress.getLoopbackAddress(), endpoint.port()).close());
    StatusRuntimeException refused =
        assertThrows(
            StatusRuntimeException.class,
            () -> tasks().getTask(GetTaskRequest.getDefaultInstance()));
    assertEquals(Status.Code.UNAVAILABLE, refused.getStatus().getCode());
    assertFalse(closing.isDone());
    slow.complete(GetTaskResponse.getDefaultInstance());
    assertEquals(GetTaskResponse.getDefaultInstance(), running.get(60, TimeUnit.SECONDS));
    closing.get(60, TimeUnit.SECONDS);
  }

  @Test
  void start_portInUse_saysSo() {
    GrpcEndpoint second =
        new GrpcEndpoint(
            GrpcConfig.DEFAULT.at("127.0.0.1", endpoint.port()), List.of(), health, outOfService);
    ServingException seen = assertThrows(ServingException.class, second::start);
    assertEquals("CANNOT_LISTEN", seen.reason());
    second.close();
  }

  private static boolean await(CountDownLatch latch) {
    try {
      return latch.await(60, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
