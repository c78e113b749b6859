package dev.perennial.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.ExportTaskRequest;
import dev.perennial.v1.ExportTaskResponse;
import dev.perennial.v1.ImportTaskRequest;
import dev.perennial.v1.ImportTaskResponse;
import dev.perennial.v1.TaskFileHeader;
import dev.perennial.v1.TaskServiceGrpc;
import io.grpc.ClientCall;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The two streams of a task's file, each as one future. Stateless. */
final class TaskFileCalls {
  /** Small enough for any server's bound of a message. */
  private static final int CHUNK_BYTES = 256 << 10;

  private TaskFileCalls() {}

  /** One try; completing the future from outside cancels it. */
  static CompletableFuture<TaskFile> export(
      Connection connection, ExportTaskRequest request, Duration left, Route route) {
    ClientCall<ExportTaskRequest, ExportTaskResponse> call =
        connection.newCall(TaskServiceGrpc.getExportTaskMethod(), left, route);
    CompletableFuture<TaskFile> file = cancelling(call);
    ClientCalls.asyncServerStreamingCall(call, request, new Receiver(file));
    return file;
  }

  /** The same of an import. */
  static CompletableFuture<Task> importing(
      Connection connection, TaskFile file, Duration left, Route route) {
    ClientCall<ImportTaskRequest, ImportTaskResponse> call =
        connection.newCall(TaskServiceGrpc.getImportTaskMethod(), left, route);
    CompletableFuture<Task> task = cancelling(call);
    var unused = ClientCalls.asyncClientStreamingCall(call, new Sender(file, task));
    return task;
  }

  private static <T> CompletableFuture<T> cancelling(ClientCall<?, ?> call) {
    CompletableFuture<T> future = new CompletableFuture<>();
    var unused =
        future.whenComplete(
            (value, failure) -> {
              if (failure != null) {
                call.cancel("the caller gave up", failure);
              }
            });
    return future;
  }

  /** Gathers a file; called by one thread at a time. */
  private static final class Receiver implements StreamObserver<ExportTaskResponse> {
    private final CompletableFuture<TaskFile> file;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private @Nullable TaskFileHeader header;

    Receiver(CompletableFuture<TaskFile> file) {
      this.file = file;
    }

    @Override
    public void onNext(ExportTaskResponse response) {
      if (response.hasHeader()) {
        header = response.getHeader();
      } else {
        bytes.writeBytes(response.getChunk().toByteArray());
      }
    }

    @Override
    public void onError(Throwable failure) {
      file.completeExceptionally(PerennialException.of(failure));
    }

    @Override
    public void onCompleted() {
      TaskFileHeader known = header;
      if (known == null) {
        file.completeExceptionally(
            new PerennialException(Code.INTERNAL, "header: none (expected: one, at first)"));
        return;
      }
      try {
        file.complete(TaskFile.owning(bytes.toByteArray()).checked(known.getVersionId()));
      } catch (PerennialException e) {
        file.completeExceptionally(e);
      }
    }
  }

  /** Sends a file as fast as the server takes it; called by one thread at a time. */
  private static final class Sender
      implements ClientResponseObserver<ImportTaskRequest, ImportTaskResponse> {
    private final TaskFile file;
    private final CompletableFuture<Task> task;
    private boolean begun;
    private int sent;
    private boolean completed;

    Sender(TaskFile file, CompletableFuture<Task> task) {
      this.file = file;
      this.task = task;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<ImportTaskRequest> stream) {
      stream.setOnReadyHandler(() -> sendOn(stream));
    }

    private void sendOn(ClientCallStreamObserver<ImportTaskRequest> stream) {
      if (!begun) {
        begun = true;
        stream.onNext(ImportTaskRequest.newBuilder().setHeader(header()).build());
      }
      while (sent < file.size() && stream.isReady() && !task.isDone()) {
        int size = Math.min(CHUNK_BYTES, file.size() - sent);
        ByteString chunk = UnsafeByteOperations.unsafeWrap(file.content(), sent, size);
        sent += size;
        stream.onNext(ImportTaskRequest.newBuilder().setChunk(chunk).build());
      }
      if (sent == file.size() && !completed) {
        completed = true;
        stream.onCompleted();
      }
    }

    private TaskFileHeader header() {
      return TaskFileHeader.newBuilder()
          .setVersionId(file.versionId())
          .setSize(file.size())
          .build();
    }

    @Override
    public void onNext(ImportTaskResponse response) {
      task.complete(Task.of(response.getTask()));
    }

    @Override
    public void onError(Throwable failure) {
      task.completeExceptionally(PerennialException.of(failure));
    }

    @Override
    public void onCompleted() {
      task.completeExceptionally(
          new PerennialException(Code.INTERNAL, "answer: none (expected: one message)"));
    }
  }
}
