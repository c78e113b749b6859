package dev.perennial.server.grpc;

import com.google.protobuf.Message;
import org.jspecify.annotations.Nullable;

/** A call with one request and a stream of answers. */
final class WatchStream<Q extends Message, R extends Message> implements MessageStream<Q> {
  private final Call<Q, R> call;
  private final Method.Watch<Q, R> watch;
  private @Nullable Runnable stop;

  WatchStream(Call<Q, R> call, Method.Watch<Q, R> watch) {
    this.call = call;
    this.watch = watch;
    call.request();
  }

  @Override
  public void message(Q message, int bytes) {
    Runnable started = watch.start(call, message);
    if (call.open()) {
      stop = started;
    } else {
      started.run();
    }
  }

  @Override
  public void halfClosed() {
    if (stop == null) {
      call.fail(UnaryStream.missingMessage());
    }
  }

  @Override
  public void closed() {
    if (stop != null) {
      stop.run();
    }
  }
}
