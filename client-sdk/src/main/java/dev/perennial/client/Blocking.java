package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** Waiting for a call's future. */
final class Blocking {
  private Blocking() {}

  /**
   * The value. Throws what failed the call; an interrupt cancels the call and stays set. Bounded by
   * the call's own deadline.
   */
  static <T> T get(CompletableFuture<T> future) {
    try {
      return future.get();
    } catch (ExecutionException e) {
      throw PerennialException.of(e);
    } catch (CancellationException e) {
      throw new PerennialException(Code.CANCELLED, "call: cancelled by the caller", e);
    } catch (InterruptedException e) {
      future.cancel(true);
      Thread.currentThread().interrupt();
      throw new PerennialException(Code.CANCELLED, "interrupted while waiting for an answer", e);
    }
  }
}
