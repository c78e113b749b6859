package dev.perennial.server.task;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who is told of a pool's snapshots, in the order in which they came. Used under its lock. */
final class SnapshotListeners {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotListeners.class);

  /** One registration; the same consumer may listen twice. */
  static final class Listener {
    private final Consumer<PoolSnapshot> consumer;

    private Listener(Consumer<PoolSnapshot> consumer) {
      this.consumer = consumer;
    }
  }

  private final Set<Listener> listeners = new LinkedHashSet<>();

  Listener add(Consumer<PoolSnapshot> consumer) {
    Listener listener = new Listener(consumer);
    listeners.add(listener);
    return listener;
  }

  void remove(Listener listener) {
    listeners.remove(listener);
  }

  void clear() {
    listeners.clear();
  }

  /** What one of them throws is logged, and is no other's failure. */
  void tell(PoolSnapshot snapshot) {
    for (Listener listener : List.copyOf(listeners)) {
      try {
        listener.consumer.accept(snapshot);
      } catch (RuntimeException e) {
        LOG.error("A listener failed at epoch {}", snapshot.epoch(), e);
      }
    }
  }
}
