package dev.perennial.server.grpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * The calls that are open, and whether new ones are let in. Calls that answer while draining
 * (health) are not waited for. Safe for any thread.
 */
final class ActiveCalls {
  private static final Duration RETRY_AFTER = Duration.ofSeconds(1);

  private final CompletableFuture<Void> idle = new CompletableFuture<>();
  private final CompletableFuture<Void> empty = new CompletableFuture<>();

  @GuardedBy("this")
  private final Set<Call<?, ?>> calls = new HashSet<>();

  @GuardedBy("this")
  private boolean draining;

  /** Lets a call in; throws UNAVAILABLE while the server stops. */
  synchronized void add(Call<?, ?> call) {
    if (draining && !call.method().whileDraining()) {
      throw leaving();
    }
    calls.add(call);
  }

  synchronized void remove(Call<?, ?> call) {
    calls.remove(call);
    complete();
  }

  /** Lets no call in any more; watches end at once. Completes when the other calls have ended. */
  CompletableFuture<Void> drain() {
    List<Call<?, ?>> open;
    synchronized (this) {
      draining = true;
      open = List.copyOf(calls);
      complete();
    }
    for (Call<?, ?> call : open) {
      if (call.method().watch() && !call.method().whileDraining()) {
        call.execute(() -> call.fail(leaving()));
      }
    }
    return idle;
  }

  /** Ends every call that is still open; completes when they have ended. */
  CompletableFuture<Void> failAll() {
    List<Call<?, ?>> open;
    synchronized (this) {
      open = List.copyOf(calls);
    }
    open.forEach(call -> call.execute(() -> call.fail(leaving())));
    return empty;
  }

  synchronized int count() {
    return calls.size();
  }

  @GuardedBy("this")
  private void complete() {
    if (!draining) {
      return;
    }
    if (calls.stream().allMatch(call -> call.method().whileDraining())) {
      idle.complete(null);
    }
    if (calls.isEmpty()) {
      empty.complete(null);
    }
  }

  private static ServingException leaving() {
    return ServingException.unavailable(
        "DRAINING", "this server is stopping: ask another, or try again later", RETRY_AFTER);
  }
}
