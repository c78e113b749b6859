package dev.perennial.server.task;

import java.util.List;
import java.util.function.Consumer;

/**
 * Which version of each task serves, under one monotonic epoch. Changes are durable before they are
 * visible. Safe for any thread: readers take the snapshot, writers queue on one lock.
 */
public final class TaskPool implements AutoCloseable {
  /** A version in a task's history. */
  public record StoredVersion(String versionId, TaskVersion version) {}

  /** A task with all its versions, newest first. */
  public record History(String task, String activeVersionId, List<StoredVersion> versions) {}

  /**
   * Opens the store's pool; versions for another backbone or damaged ones are left out and logged.
   */
  public static TaskPool open(TaskStore store, String backboneFingerprint, int embedDim) {
    throw new UnsupportedOperationException();
  }

  public PoolSnapshot snapshot() {
    throw new UnsupportedOperationException();
  }

  /** Stores a version durably and makes it active; returns the new snapshot. */
  public PoolSnapshot publish(TaskVersion version) {
    throw new UnsupportedOperationException();
  }

  /** Forgets a task and all its versions; throws NOT_FOUND. */
  public PoolSnapshot delete(String task) {
    throw new UnsupportedOperationException();
  }

  /** Makes a stored version the active one; throws NOT_FOUND. */
  public PoolSnapshot activate(String task, String versionId) {
    throw new UnsupportedOperationException();
  }

  /** Throws NOT_FOUND. */
  public History history(String task) {
    throw new UnsupportedOperationException();
  }

  /** Called with every new snapshot, on the writer's thread, in order; close the result to stop. */
  public AutoCloseable listen(Consumer<PoolSnapshot> listener) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
