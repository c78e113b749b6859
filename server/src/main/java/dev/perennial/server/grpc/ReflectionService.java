package dev.perennial.server.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import io.grpc.reflection.v1.ErrorResponse;
import io.grpc.reflection.v1.ExtensionNumberResponse;
import io.grpc.reflection.v1.FileDescriptorResponse;
import io.grpc.reflection.v1.ListServiceResponse;
import io.grpc.reflection.v1.ServerReflectionProto;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.vertx.grpc.common.GrpcStatus;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * gRPC server reflection over the files of the bound services and everything that these import. v1
 * and v1alpha have the same messages, so one implementation answers both. Immutable; safe for any
 * thread.
 */
final class ReflectionService {
  private static final ServiceDescriptor V1 =
      ServerReflectionProto.getDescriptor().findServiceByName("ServerReflection");

  @SuppressWarnings("deprecation") // most tools still ask for v1alpha
  private static final ServiceDescriptor V1_ALPHA =
      io.grpc.reflection.v1alpha.ServerReflectionProto.getDescriptor()
          .findServiceByName("ServerReflection");

  private final Map<String, ServiceDescriptor> services = new TreeMap<>();
  private final Map<String, FileDescriptor> filesByName = new HashMap<>();
  private final Map<String, FileDescriptor> filesBySymbol = new HashMap<>();

  ReflectionService(Collection<ServiceDescriptor> described) {
    for (ServiceDescriptor service : described) {
      add(service);
    }
    add(V1);
    add(V1_ALPHA);
  }

  List<Method<?, ?>> methods() {
    String name = "ServerReflectionInfo";
    Method<ServerReflectionRequest, ServerReflectionResponse> method =
        Method.stream(V1, name, ServerReflectionRequest.getDefaultInstance(), this::open);
    return List.of(method, method.as(V1_ALPHA, name));
  }

  private MessageStream<ServerReflectionRequest> open(
      Call<ServerReflectionRequest, ServerReflectionResponse> call) {
    call.onWritable(call::request);
    call.request();
    return new MessageStream<>() {
      @Override
      public void message(ServerReflectionRequest message, int bytes) {
        call.write(answer(message));
        if (call.writable()) {
          call.request();
        }
      }

      @Override
      public void halfClosed() {
        call.end();
      }

      @Override
      public void closed() {}
    };
  }

  private ServerReflectionResponse answer(ServerReflectionRequest request) {
    ServerReflectionResponse.Builder response =
        ServerReflectionResponse.newBuilder()
            .setValidHost(request.getHost())
            .setOriginalRequest(request);
    switch (request.getMessageRequestCase()) {
      case FILE_BY_FILENAME ->
          answerFile(
              response, filesByName.get(request.getFileByFilename()), request.getFileByFilename());
      case FILE_CONTAINING_SYMBOL ->
          answerFile(
              response,
              filesBySymbol.get(request.getFileContainingSymbol()),
              request.getFileContainingSymbol());
      case FILE_CONTAINING_EXTENSION ->
          answerFile(
              response,
              null,
              "extension of " + request.getFileContainingExtension().getContainingType());
      case ALL_EXTENSION_NUMBERS_OF_TYPE ->
          answerExtensions(response, request.getAllExtensionNumbersOfType());
      case LIST_SERVICES -> response.setListServicesResponse(serviceList());
      case MESSAGEREQUEST_NOT_SET ->
          response.setErrorResponse(error(GrpcStatus.INVALID_ARGUMENT, "message_request: not set"));
    }
    return response.build();
  }

  private static void answerFile(
      ServerReflectionResponse.Builder response, @Nullable FileDescriptor file, String name) {
    if (file == null) {
      response.setErrorResponse(error(GrpcStatus.NOT_FOUND, name));
      return;
    }
    FileDescriptorResponse.Builder files = FileDescriptorResponse.newBuilder();
    withDependencies(file).forEach(one -> files.addFileDescriptorProto(bytes(one)));
    response.setFileDescriptorResponse(files);
  }

  /** proto3 has no extensions but of options: the answer is empty, or that there is no type. */
  private void answerExtensions(ServerReflectionResponse.Builder response, String type) {
    if (filesBySymbol.containsKey(type)) {
      response.setAllExtensionNumbersResponse(
          ExtensionNumberResponse.newBuilder().setBaseTypeName(type));
    } else {
      response.setErrorResponse(error(GrpcStatus.NOT_FOUND, type));
    }
  }

  private ListServiceResponse serviceList() {
    ListServiceResponse.Builder list = ListServiceResponse.newBuilder();
    services.keySet().forEach(name -> list.addService(ServiceResponse.newBuilder().setName(name)));
    return list.build();
  }

  private static ErrorResponse error(GrpcStatus status, String message) {
    return ErrorResponse.newBuilder().setErrorCode(status.code).setErrorMessage(message).build();
  }

  private static ByteString bytes(FileDescriptor file) {
    return file.toProto().toByteString();
  }

  /** The file first, then what it imports, each once. */
  private static Set<FileDescriptor> withDependencies(FileDescriptor file) {
    Set<FileDescriptor> files = new LinkedHashSet<>();
    Deque<FileDescriptor> waiting = new ArrayDeque<>(List.of(file));
    while (!waiting.isEmpty()) {
      FileDescriptor next = waiting.remove();
      if (files.add(next)) {
        waiting.addAll(next.getDependencies());
      }
    }
    return files;
  }

  private void add(ServiceDescriptor service) {
    services.put(service.getFullName(), service);
    withDependencies(service.getFile()).forEach(this::addFile);
  }

  private void addFile(FileDescriptor file) {
    if (filesByName.put(file.getName(), file) != null) {
      return;
    }
    file.getMessageTypes().forEach(this::addMessage);
    file.getEnumTypes().forEach(this::addEnum);
    for (FieldDescriptor extension : file.getExtensions()) {
      filesBySymbol.put(extension.getFullName(), file);
    }
    for (ServiceDescriptor service : file.getServices()) {
      filesBySymbol.put(service.getFullName(), file);
      for (MethodDescriptor method : service.getMethods()) {
        filesBySymbol.put(method.getFullName(), file);
      }
    }
  }

  private void addMessage(Descriptor message) {
    filesBySymbol.put(message.getFullName(), message.getFile());
    message.getFields().forEach(f -> filesBySymbol.put(f.getFullName(), f.getFile()));
    message.getOneofs().forEach(o -> filesBySymbol.put(o.getFullName(), o.getFile()));
    message.getNestedTypes().forEach(this::addMessage);
    message.getEnumTypes().forEach(this::addEnum);
  }

  private void addEnum(EnumDescriptor type) {
    filesBySymbol.put(type.getFullName(), type.getFile());
    type.getValues().forEach(v -> filesBySymbol.put(v.getFullName(), v.getFile()));
  }
}
