package dev.perennial.server.grpc;

import com.google.protobuf.Message;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** A call with one request and one answer. */
final class UnaryStream<Q extends Message, R extends Message> implements MessageStream<Q> {
  private final Call<Q, R> call;
  private final BiFunction<Call<Q, R>, Q, CompletableFuture<R>> method;
  private @Nullable CompletableFuture<R> answer;

  UnaryStream(Call<Q, R> call, BiFunction<Call<Q, R>, Q, CompletableFuture<R>> method) {
    this.call = call;
    this.method = method;
    call.request();
  }

  @Override
  public void message(Q message, int bytes) {
    CompletableFuture<R> started = method.apply(call, message);
    answer = started;
    Futures.onDone(started, call, this::send, call::fail);
  }

  @Override
  public void halfClosed() {
    if (answer == null) {
      call.fail(missingMessage());
    }
  }

  @Override
  public void closed() {
    if (answer != null) {
      answer.cancel(false);
    }
  }

  static ServingException missingMessage() {
    return new ServingException(
        ErrorCode.INVALID_ARGUMENT, "MISSING_MESSAGE", "messages: 0 (expected: 1)");
  }

  private void send(R message) {
    call.write(message);
    call.end();
  }
}
