package dev.perennial.server.device;

import java.util.concurrent.CompletableFuture;

/** One embed query: a single pass, with the task and weight that the caller names. */
final class EmbedRow extends Row {
  final EmbedQuery query;
  final CompletableFuture<Embedding> future = new CompletableFuture<>();

  EmbedRow(EmbedQuery query, long queuedNanos, DeviceCounters counters) {
    super(query.source(), query.deadlineNanos(), queuedNanos, counters);
    this.query = query;
  }

  /** The slot under this pool; throws NOT_FOUND. */
  int slot(ServedPool pool) {
    return query.task() == null ? 0 : KnownLabels.slot(pool.snapshot(), query.task(), "task");
  }

  float gateWeight() {
    return query.task() == null ? 0 : query.gateWeight();
  }

  void complete(Embedding embedding) {
    leave();
    future.complete(embedding);
  }

  @Override
  CompletableFuture<?> future() {
    return future;
  }
}
