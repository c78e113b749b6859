package dev.perennial.server.grpc;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;

/** How futures of other threads are chained, cancelled, and brought back to an event loop. */
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

  /**
   * One future after another. Unlike thenCompose's, cancelling the result cancels whichever of the
   * two is under way.
   */
  @SuppressWarnings("FutureReturnValueIgnored") // ends in the result
  static <A, B> CompletableFuture<B> then(
      CompletableFuture<A> first, Function<? super A, CompletableFuture<B>> next) {
    CompletableFuture<B> result = new CompletableFuture<>();
    cancelWith(result, first);
    first.whenComplete(
        (value, failure) -> {
          if (failure != null) {
            result.completeExceptionally(failure);
          } else if (!result.isDone()) {
            start(() -> next.apply(value), result);
          }
        });
    return result;
  }

  /** The future's value, changed; cancelling the result cancels the future. */
  static <A, B> CompletableFuture<B> map(
      CompletableFuture<A> first, Function<? super A, ? extends B> change) {
    return then(first, value -> CompletableFuture.completedFuture(change.apply(value)));
  }

  @SuppressWarnings("FutureReturnValueIgnored") // ends in the result
  private static <B> void start(Supplier<CompletableFuture<B>> next, CompletableFuture<B> result) {
    CompletableFuture<B> second;
    try {
      second = next.get();
    } catch (Throwable failure) {
      result.completeExceptionally(failure);
      return;
    }
    cancelWith(result, second);
    second.whenComplete(
        (value, failure) -> {
          if (failure != null) {
            result.completeExceptionally(failure);
          } else {
            result.complete(value);
          }
        });
  }

  @SuppressWarnings("FutureReturnValueIgnored") // nothing but the cancellation follows
  private static void cancelWith(CompletableFuture<?> result, CompletableFuture<?> upstream) {
    result.whenComplete(
        (value, failure) -> {
          if (result.isCancelled()) {
            upstream.cancel(false);
          }
        });
  }
}
