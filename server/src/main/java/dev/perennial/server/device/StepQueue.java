package dev.perennial.server.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Training steps that wait for a device, oldest first. Safe for any thread. */
final class StepQueue {
  /** A job submits one step after the other, so this is only a bound. */
  private static final int MAX_STEPS = 1024;

  /** A step, and who waits for it. */
  record Waiting<T>(DeviceStep<T> step, CompletableFuture<T> future) {
    /** Runs on the device's thread; throws only where the device works no more. */
    void run(Encoder encoder) {
      T value;
      try {
        value = encoder.run(step);
      } catch (RuntimeException | Error e) {
        // The step's owner hears of it; the device goes on, if it can.
        future.completeExceptionally(e);
        WarmUp.requireWorking(encoder);
        return;
      }
      future.complete(value);
    }
  }

  @GuardedBy("this")
  private final ArrayDeque<Waiting<?>> steps = new ArrayDeque<>();

  @GuardedBy("this")
  private @Nullable ServingException closed;

  /** Fails with RESOURCE_EXHAUSTED where too many wait, or with what the queue was closed with. */
  <T> CompletableFuture<T> add(DeviceStep<T> step) {
    Waiting<T> waiting = new Waiting<>(step, new CompletableFuture<>());
    ServingException refusal = offer(waiting);
    if (refusal != null) {
      waiting.future().completeExceptionally(refusal);
    }
    return waiting.future();
  }

  private synchronized @Nullable ServingException offer(Waiting<?> waiting) {
    if (closed != null) {
      return closed;
    } else if (steps.size() >= MAX_STEPS) {
      return ServingException.exhausted(
          "TOO_MANY_STEPS",
          "steps waiting: " + steps.size() + " (expected: fewer than " + MAX_STEPS + ")",
          Duration.ofSeconds(1));
    }
    steps.addLast(waiting);
    return null;
  }

  /** The next that somebody waits for. */
  synchronized @Nullable Waiting<?> poll() {
    steps.removeIf(step -> step.future().isDone());
    return steps.pollFirst();
  }

  /** Fails what waits, and whatever comes from now on. */
  void close(ServingException error) {
    List<Waiting<?>> rest;
    synchronized (this) {
      closed = error;
      rest = List.copyOf(steps);
      steps.clear();
    }
    rest.forEach(step -> step.future().completeExceptionally(error));
  }
}
