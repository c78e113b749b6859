package dev.perennial.server.task;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/** Where versions and the manifest survive a crash. */
public interface TaskStore {
  /**
   * Which versions there are and which is active.
   *
   * @param active per task its active version's id
   * @param versions per task all version ids, newest first
   */
  record Manifest(long epoch, Map<String, String> active, Map<String, List<String>> versions) {}

  /** The last manifest written; the empty one of epoch 0 for a new store. */
  Manifest manifest();

  /** Durable on return. */
  void writeManifest(Manifest manifest);

  /** Durable on return; storing the same id again does nothing. */
  void putVersion(String versionId, byte[] bytes);

  /** The bytes, their hash checked; throws DATA_LOSS or NOT_FOUND. */
  ByteBuffer getVersion(String versionId);

  /** Removes the versions that no manifest names. */
  void removeVersionsExcept(java.util.Set<String> versionIds);
}
