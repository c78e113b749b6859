package dev.perennial.server.training;

import dev.perennial.server.error.ServingException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** What made an upload useless, if anything did; it stays the first. Safe for any thread. */
final class FirstFailure {
  private final AtomicReference<@Nullable ServingException> first = new AtomicReference<>();

  /** Null where nothing has failed. */
  @Nullable ServingException get() {
    return first.get();
  }

  /** Keeps it where nothing has failed before; what was given, in any case. */
  ServingException set(ServingException failure) {
    first.compareAndSet(null, failure);
    return failure;
  }
}
