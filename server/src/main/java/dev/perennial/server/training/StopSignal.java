package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Tells a running job to stop, wherever it waits. Safe for any thread. */
final class StopSignal {

  /** Thrown in the job's thread once the signal was given. */
  static final class Stopped extends Exception {
    private static final long serialVersionUID = 1L;

    Stopped() {
      super("stopped", null, false, false);
    }
  }

  private final CompletableFuture<Void> given = new CompletableFuture<>();

  void give() {
    given.complete(null);
  }

  void check() throws Stopped {
    if (given.isDone()) {
      throw new Stopped();
    }
  }

  /** Waits for a piece of device work, or for the signal; the signal wins. */
  <T> T await(CompletableFuture<T> work) throws Stopped {
    check();
    try {
      CompletableFuture.anyOf(work, given).join();
      check();
      return work.join();
    } catch (CompletionException e) {
      check();
      if (e.getCause() instanceof ServingException known) {
        throw known;
      }
      throw e;
    } catch (CancellationException e) {
      throw new ServingException(
          ErrorCode.INTERNAL, "STEP_CANCELLED", "training step: cancelled by the device", e);
    }
  }
}
