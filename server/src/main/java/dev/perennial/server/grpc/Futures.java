package dev.perennial.server.grpc;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Brings what other threads complete back to a call's event loop. */
final class Futures {
  private Futures() {}

  /**
   * Calls one of the two on the call's event loop once the future is done; neither where the call
   * is over by then.
   */
  @SuppressWarnings("FutureReturnValueIgnored") // ends in the two consumers
  static <T> void onDone(
      CompletableFuture<T> future,
      Call<?, ?> call,
      Consumer<? super T> done,
      Consumer<? super Throwable> failed) {
    future.whenComplete(
        (value, failure) ->
            call.execute(
                () -> {
                  if (failure == null) {
                    done.accept(value);
                  } else {
                    failed.accept(failure);
                  }
                }));
  }
}
