package dev.perennial.server.grpc;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import com.google.rpc.Status;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.grpc.common.GrpcMessage;
import io.vertx.grpc.common.GrpcStatus;
import io.vertx.grpc.common.InvalidMessageException;
import io.vertx.grpc.common.MessageSizeOverflowException;
import io.vertx.grpc.server.GrpcServerRequest;
import io.vertx.grpc.server.GrpcServerResponse;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One gRPC call, over Vert.x's untyped one. Owned by its event loop: only {@link #execute} may be
 * used from other threads.
 *
 * <p>It hides what is uneven below: messages come one by one, as asked for; a cancelled stream, a
 * lost connection, a passed deadline, a broken message and an exception all end in one {@link
 * MessageStream#closed}; after that nothing is written, and nothing throws.
 */
final class Call<Q extends Message, R extends Message> {
  private static final long NO_DEADLINE = Long.MAX_VALUE;
  private static final int NO_TIMER = -1;

  private final GrpcServerRequest<Buffer, Buffer> request;
  private final GrpcServerResponse<Buffer, Buffer> response;
  private final Method<Q, R> method;
  private final int maxMessageBytes;
  private final Vertx vertx;
  private final Context context;
  private final long maxDurationNanos;
  private final Runnable onClosed;
  private @Nullable MessageStream<Q> stream;
  private long deadlineNanos = NO_DEADLINE;
  private long timer = NO_TIMER;
  private boolean open = true;

  Call(
      GrpcServerRequest<Buffer, Buffer> request,
      Method<Q, R> method,
      int maxMessageBytes,
      long maxDurationNanos,
      Vertx vertx,
      Consumer<Call<Q, R>> onClosed) {
    this.request = request;
    this.response = request.response();
    this.method = method;
    this.maxMessageBytes = maxMessageBytes;
    this.vertx = vertx;
    this.context = vertx.getOrCreateContext();
    this.maxDurationNanos = maxDurationNanos;
    this.onClosed = () -> onClosed.accept(this);
  }

  /** Takes the call over. */
  void start() {
    request.pause();
    request.errorHandler(error -> close());
    request.exceptionHandler(lost -> close());
    response.exceptionHandler(lost -> close());
    request.invalidMessageHandler(this::refuseMessage);
    request.messageHandler(this::receive);
    request.endHandler(end -> guarded(() -> stream().halfClosed()));
    guarded(
        () -> {
          startDeadline();
          stream = method.opener().open(this);
        });
    if (!open) {
      closeStream();
    }
  }

  /** Asks for one more message (or the news that there is none). */
  void request() {
    if (open) {
      request.fetch(1);
    }
  }

  /** Sends one message; silently dropped once the call is over. */
  void write(R message) {
    if (open) {
      response
          .writeMessage(GrpcMessage.message("identity", Buffer.buffer(message.toByteArray())))
          .onFailure(lost -> close());
    }
  }

  /** False while the client is slower than we are: write no more than what is under way. */
  boolean writable() {
    return !response.writeQueueFull();
  }

  /** Called whenever {@link #writable} turns true again. */
  void onWritable(Runnable drained) {
    response.drainHandler(
        nothing -> {
          if (open) {
            guarded(drained);
          }
        });
  }

  /** Ends the call well. */
  void end() {
    if (open) {
      close();
      response.end();
      request.resume();
    }
  }

  /** Ends the call with a failure, its details in the trailers. */
  void fail(Throwable failure) {
    if (!open) {
      return;
    }
    close();
    refuse(request, failure);
  }

  /** Answers a call with a failure, its details in the trailers. */
  static void refuse(GrpcServerRequest<Buffer, Buffer> request, Throwable failure) {
    Status status = Statuses.of(failure);
    GrpcServerResponse<Buffer, Buffer> response = request.response();
    response.status(GrpcStatus.valueOf(status.getCode()));
    response.statusMessage(status.getMessage());
    response
        .trailers()
        .set(
            "grpc-status-details-bin",
            Base64.getEncoder().withoutPadding().encodeToString(status.toByteArray()));
    response.end();
    // What the client still sends must not fill its connection's window.
    request.resume();
  }

  /** The method that was called. */
  Method<Q, R> method() {
    return method;
  }

  /** Whether anything can still be written. */
  boolean open() {
    return open;
  }

  /** When the client stops waiting, on {@link System#nanoTime}'s clock. */
  long deadlineNanos() {
    return deadlineNanos;
  }

  /** Who asks, for fairness among callers of unary methods. */
  Object connection() {
    return request.connection();
  }

  /** Runs the action on the event loop, unless the call is over by then. Any thread. */
  void execute(Runnable action) {
    context.runOnContext(
        nothing -> {
          if (open) {
            guarded(action);
          }
        });
  }

  /** Runs the action on the event loop after a while, unless the call is over by then. */
  void later(long millis, Runnable action) {
    vertx.setTimer(Math.max(1, millis), id -> guarded(action));
  }

  private MessageStream<Q> stream() {
    MessageStream<Q> opened = stream;
    if (opened == null) {
      throw new IllegalStateException("message before start");
    }
    return opened;
  }

  private void receive(GrpcMessage message) {
    if (open) {
      guarded(
          () -> {
            byte[] bytes = Payload.bytes(message, maxMessageBytes);
            stream().message(parse(bytes), bytes.length);
          });
    }
  }

  private Q parse(byte[] bytes) {
    try {
      CodedInputStream in = CodedInputStream.newInstance(bytes);
      in.enableAliasing(true); // the array is ours alone
      Parser<Q> parser = method.parser();
      Q message = parser.parseFrom(in);
      in.checkLastTagWas(0);
      return message;
    } catch (InvalidProtocolBufferException e) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT,
          "MALFORMED_MESSAGE",
          "message: not a " + method.inputName() + " (" + e.getMessage() + ")");
    }
  }

  private void refuseMessage(InvalidMessageException invalid) {
    if (invalid instanceof MessageSizeOverflowException tooLarge) {
      fail(Payload.tooLarge(tooLarge.messageSize() + " bytes", maxMessageBytes));
    } else {
      fail(
          new ServingException(
              ErrorCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE", "message: not framed as gRPC"));
    }
  }

  private void guarded(Runnable action) {
    if (!open) {
      return;
    }
    try {
      action.run();
    } catch (Throwable failure) {
      fail(failure);
    }
  }

  private void close() {
    if (!open) {
      return;
    }
    open = false;
    if (timer != NO_TIMER) {
      vertx.cancelTimer(timer);
    }
    closeStream();
    onClosed.run();
  }

  private void closeStream() {
    MessageStream<Q> opened = stream;
    stream = null;
    if (opened != null) {
      opened.closed();
    }
  }

  private void startDeadline() {
    long timeout = Timeouts.parseNanos(request.headers().get("grpc-timeout"));
    long duration = Math.min(timeout, maxDurationNanos);
    if (duration == Long.MAX_VALUE) {
      return;
    }
    deadlineNanos = System.nanoTime() + duration;
    long millis = Math.max(1, TimeUnit.NANOSECONDS.toMillis(duration));
    timer = vertx.setTimer(millis, id -> fail(deadlineExceeded()));
  }

  private static ServingException deadlineExceeded() {
    return new ServingException(
        ErrorCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the call's deadline has passed");
  }
}
