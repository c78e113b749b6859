package dev.perennial.server.training;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** An example between the call that brought it and the sync after which it is safe. */
final class PendingExample {
  final ExampleImage image;
  final String label;

  /** Bytes on disk. */
  final long bytes;

  final CompletableFuture<Long> done = new CompletableFuture<>();

  /** Guarded by the upload: set once the check has ended, with its fault or none. */
  boolean checked;

  @Nullable RuntimeException fault;

  PendingExample(ExampleImage image, String label, long bytes) {
    this.image = image;
    this.label = label;
    this.bytes = bytes;
  }
}
