package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.perennial.server.StreamAnswers;
import dev.perennial.server.TestServer;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reflection over real sockets; and what it lists is what is answered. */
class ReflectionIT {
  private static final String V1 = "grpc.reflection.v1.ServerReflection";
  private static final String V1_ALPHA = "grpc.reflection.v1alpha.ServerReflection";

  @TempDir static Path directory;
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(directory);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  /** v1alpha has the messages of v1. */
  private static List<ServerReflectionResponse> ask(
      String service, ServerReflectionRequest... requests) {
    MethodDescriptor<ServerReflectionRequest, ServerReflectionResponse> method =
        ServerReflectionGrpc.getServerReflectionInfoMethod().toBuilder()
            .setFullMethodName(service + "/ServerReflectionInfo")
            .build();
    StreamAnswers<ServerReflectionRequest, ServerReflectionResponse> answers =
        StreamAnswers.eager();
    StreamObserver<ServerReflectionRequest> call =
        ClientCalls.asyncBidiStreamingCall(
            server.channel().newCall(method, CallOptions.DEFAULT), answers);
    List<ServerReflectionResponse> all = new ArrayList<>();
    for (ServerReflectionRequest request : requests) {
      call.onNext(request);
      all.add(answers.next());
    }
    call.onCompleted();
    assertNull(answers.end());
    return all;
  }

  private static ServerReflectionRequest symbol(String name) {
    return ServerReflectionRequest.newBuilder().setFileContainingSymbol(name).build();
  }

  private static Set<String> files(ServerReflectionResponse response)
      throws InvalidProtocolBufferException {
    Set<String> names = new HashSet<>();
    for (ByteString file : response.getFileDescriptorResponse().getFileDescriptorProtoList()) {
      names.add(FileDescriptorProto.parseFrom(file).getName());
    }
    return names;
  }

  @ParameterizedTest
  @ValueSource(strings = {V1, V1_ALPHA})
  void stream_manyRequests_areAnsweredInOneStream(String version) throws Exception {
    List<ServerReflectionResponse> answers =
        ask(
            version,
            ServerReflectionRequest.newBuilder().setListServices("").build(),
            symbol("perennial.v1.InferenceService"),
            symbol("perennial.v1.InferenceService.Classify"),
            symbol("perennial.v1.ClassifyRequest"),
            ServerReflectionRequest.newBuilder()
                .setFileByFilename("google/rpc/status.proto")
                .build(),
            symbol("nobody"),
            ServerReflectionRequest.newBuilder().setFileByFilename("nothing.proto").build(),
            ServerReflectionRequest.newBuilder()
                .setAllExtensionNumbersOfType("perennial.v1.Image")
                .build(),
            ServerReflectionRequest.getDefaultInstance());
    assertEquals(
        List.of(
            "grpc.health.v1.Health",
            V1,
            V1_ALPHA,
            "perennial.v1.ClusterService",
            "perennial.v1.InferenceService",
            "perennial.v1.TaskService",
            "perennial.v1.TrainingService"),
        answers.get(0).getListServicesResponse().getServiceList().stream()
            .map(ServiceResponse::getName)
            .toList());
    Set<String> expected =
        Set.of(
            "perennial/v1/inference.proto",
            "perennial/v1/image.proto",
            "google/rpc/status.proto",
            "google/protobuf/any.proto");
    for (int i = 1; i <= 3; i++) {
      assertEquals(expected, files(answers.get(i)));
    }
    assertEquals(
        Set.of("google/rpc/status.proto", "google/protobuf/any.proto"), files(answers.get(4)));
    assertEquals(Status.Code.NOT_FOUND.value(), answers.get(5).getErrorResponse().getErrorCode());
    assertEquals(Status.Code.NOT_FOUND.value(), answers.get(6).getErrorResponse().getErrorCode());
    assertTrue(answers.get(7).hasAllExtensionNumbersResponse());
    assertEquals(
        Status.Code.INVALID_ARGUMENT.value(), answers.get(8).getErrorResponse().getErrorCode());
  }

  @Test
  void listedServices_everyMethod_isAnsweredBySomebody() throws Exception {
    for (String service :
        List.of(
            "perennial.v1.ClusterService",
            "perennial.v1.InferenceService",
            "perennial.v1.TaskService",
            "perennial.v1.TrainingService",
            "grpc.health.v1.Health")) {
      FileDescriptorProto file =
          FileDescriptorProto.parseFrom(
              ask(V1, symbol(service))
                  .get(0)
                  .getFileDescriptorResponse()
                  .getFileDescriptorProto(0));
      for (var method : file.getService(0).getMethodList()) {
        assertTrue(answered(service + "/" + method.getName()), service + method.getName());
      }
    }
  }

  /** An empty message is refused or answered, but not as something that nobody knows. */
  private static boolean answered(String path) {
    MethodDescriptor<ServerReflectionRequest, ServerReflectionResponse> method =
        ServerReflectionGrpc.getServerReflectionInfoMethod().toBuilder()
            .setFullMethodName(path)
            .build();
    StreamAnswers<ServerReflectionRequest, ServerReflectionResponse> answers =
        StreamAnswers.eager();
    StreamObserver<ServerReflectionRequest> call =
        ClientCalls.asyncBidiStreamingCall(
            server.channel().newCall(method, CallOptions.DEFAULT), answers);
    call.onNext(ServerReflectionRequest.getDefaultInstance());
    if (path.contains("Watch")) {
      answers.next(path.contains("Job") ? 0 : 1);
      if (!path.contains("Job")) {
        answers.cancel();
        return true;
      }
    } else {
      call.onCompleted();
    }
    Throwable failure = answers.end();
    return failure == null || Status.fromThrowable(failure).getCode() != Status.Code.UNIMPLEMENTED;
  }
}
