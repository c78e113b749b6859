package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.PerennialException;
import dev.perennial.server.Requests;
import dev.perennial.server.TestCertificate;
import dev.perennial.server.TestServer;
import dev.perennial.server.error.ServingException;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.GetTaskResponse;
import dev.perennial.v1.TaskProto;
import dev.perennial.v1.TaskServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is let in, and over what. */
class SecurityIT {
  private static final ServiceDescriptor SERVICE =
      TaskProto.getDescriptor().findServiceByName("TaskService");

  @TempDir Path directory;
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable resource : opened) {
      resource.close();
    }
  }

  private GrpcEndpoint start(GrpcConfig.@Nullable Tls tls, @Nullable Path tokenFile) {
    GrpcConfig defaults = GrpcConfig.DEFAULT;
    GrpcConfig config =
        new GrpcConfig(
            "127.0.0.1",
            0,
            2,
            defaults.maxMessageBytes(),
            defaults.maxStreamsPerConnection(),
            defaults.maxInFlightPerStream(),
            defaults.maxInFlightBytesPerStream(),
            1,
            defaults.maxDecodeQueueSize(),
            defaults.maxDecodeQueueBytes(),
            defaults.maxCallDuration(),
            defaults.drainTimeout(),
            tls,
            tokenFile);
    HealthService health = new HealthService(Set.of());
    List<Method<?, ?>> methods = new ArrayList<>(health.methods());
    methods.add(
        Method.<GetTaskRequest, GetTaskResponse>unary(
            SERVICE,
            "GetTask",
            GetTaskRequest.getDefaultInstance(),
            (call, request) ->
                CompletableFuture.completedFuture(GetTaskResponse.getDefaultInstance())));
    GrpcEndpoint endpoint = new GrpcEndpoint(config, methods, health, new CompletableFuture<>());
    endpoint.start();
    opened.add(endpoint);
    return endpoint;
  }

  private ManagedChannel plain(GrpcEndpoint endpoint) {
    ManagedChannel channel = TestServer.newChannel(endpoint.port());
    opened.add(0, channel::shutdownNow);
    return channel;
  }

  private static GetTaskResponse call(ManagedChannel channel, @Nullable String authorization) {
    Metadata headers = new Metadata();
    if (authorization != null) {
      headers.put(
          Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), authorization);
    }
    return TaskServiceGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .withDeadlineAfter(1, TimeUnit.MINUTES)
        .getTask(GetTaskRequest.getDefaultInstance());
  }

  @Test
  void call_tokensAreAsked_onlyTheRightOnesAreLetIn() throws IOException {
    Path file = directory.resolve("tokens");
    Files.writeString(file, "# operators\nsecret-1\n\n  secret-2  \n");
    GrpcEndpoint endpoint = start(null, file);
    ManagedChannel channel = plain(endpoint);
    assertEquals(GetTaskResponse.getDefaultInstance(), call(channel, "Bearer secret-1"));
    assertEquals(GetTaskResponse.getDefaultInstance(), call(channel, "bearer secret-2"));
    String[] wrong = {
      null, "Bearer secret-3", "Bearer ", "Basic secret-1", "secret-1", "# operators"
    };
    for (String authorization : wrong) {
      StatusRuntimeException seen =
          assertThrows(StatusRuntimeException.class, () -> call(channel, authorization));
      assertEquals("UNAUTHENTICATED UNAUTHENTICATED", Requests.failure(seen));
    }
    assertEquals(
        ServingStatus.SERVING,
        HealthGrpc.newBlockingStub(channel)
            .check(HealthCheckRequest.getDefaultInstance())
            .getStatus());
  }

  @Test
  void start_tokenFileEmptyOrMissing_isRefused() throws IOException {
    Path empty = directory.resolve("empty");
    Files.writeString(empty, "# nothing\n");
    assertThrows(ServingException.class, () -> start(null, empty));
    assertThrows(ServingException.class, () -> start(null, directory.resolve("missing")));
  }

  @Test
  void call_tls_isEncryptedAndPlainTextIsNotAnswered() throws Exception {
    GrpcConfig.Tls tls = TestCertificate.create(directory.resolve("tls"), "dns:localhost").files();
    GrpcEndpoint endpoint = start(tls, null);
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", endpoint.port())
            .overrideAuthority("localhost")
            .sslContext(
                GrpcSslContexts.forClient().trustManager(tls.certificate().toFile()).build())
            .build();
    opened.add(0, channel::shutdownNow);
    assertEquals(GetTaskResponse.getDefaultInstance(), call(channel, null));
    StatusRuntimeException seen =
        assertThrows(StatusRuntimeException.class, () -> call(plain(endpoint), null));
    assertEquals(Status.Code.UNAVAILABLE, seen.getStatus().getCode());
  }

  /** Each server is held to the name under which it is listed, whichever of them is left. */
  @Test
  void client_serversWithCertificatesOfDifferentNames_eachServes() throws Exception {
    GrpcConfig.Tls byName = certificate("dns:localhost");
    GrpcConfig.Tls byAddress = certificate("ip:127.0.0.1");
    Path both = directory.resolve("both.pem");
    Files.writeString(
        both, Files.readString(byName.certificate()) + Files.readString(byAddress.certificate()));
    for (int left = 0; left < 2; left++) {
      List<GrpcEndpoint> servers = List.of(start(byName, null), start(byAddress, null));
      String target = "localhost:" + servers.get(0).port() + ",127.0.0.1:" + servers.get(1).port();
      try (PerennialClient client = PerennialClient.builder().target(target).tls(both).build()) {
        assertEquals("", client.getTask("any").name());
        servers.get(1 - left).close();
        assertEquals("", client.getTask("any").name());
      }
    }
  }

  @Test
  void client_certificateOfAnotherName_failsAndSaysWhich() throws Exception {
    GrpcConfig.Tls tls = certificate("dns:elsewhere.test");
    String target = "localhost:" + start(tls, null).port();
    try (PerennialClient client =
        PerennialClient.builder().target(target).tls(tls.certificate()).build()) {
      PerennialException seen = assertThrows(PerennialException.class, () -> client.getTask("any"));
      assertEquals(PerennialException.Code.UNAVAILABLE, seen.code());
      assertTrue(String.valueOf(seen.getMessage()).contains("localhost"), seen.toString());
      assertTrue(String.valueOf(seen.getMessage()).contains("name"), seen.toString());
    }
    try (PerennialClient client =
        PerennialClient.builder()
            .target(target)
            .tls(tls.certificate())
            .authority("elsewhere.test")
            .build()) {
      assertEquals("", client.getTask("any").name());
    }
  }

  @Test
  void start_certificateMissing_isRefused() {
    Path missing = directory.resolve("missing.pem");
    ServingException seen =
        assertThrows(
            ServingException.class, () -> start(new GrpcConfig.Tls(missing, missing), null));
    assertEquals("CANNOT_LISTEN", seen.reason());
  }

  private GrpcConfig.Tls certificate(String name) throws Exception {
    return TestCertificate.create(directory.resolve(name.replace(':', '-')), name).files();
  }
}
