package dev.perennial.server.task;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** All active tasks under one epoch. Immutable; safe for any thread. */
public record PoolSnapshot(long epoch, List<ActiveTask> tasks) {
  /**
   * The task with the highest log-density for the features at the offset; null while there is no
   * task.
   */
  public @Nullable Route route(float[] features, int offset) {
    throw new UnsupportedOperationException();
  }

  /** The slot of the task with that name, or -1. */
  public int slot(String task) {
    throw new UnsupportedOperationException();
  }
}
