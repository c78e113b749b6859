package dev.perennial.server.task;

import java.nio.ByteBuffer;
import java.util.Set;

/**
 * Where versions and the manifest survive a crash. Called by one thread at a time, the pool's
 * writer; {@link #getVersion} by any thread beside it. Every call either has its whole effect, or
 * throws and has none; after a throw the next opening may find either.
 */
public interface TaskStore {
  /** The last manifest written; the empty one of epoch 0 for a new store. */
  Manifest manifest();

  /** Durable on return. */
  void writeManifest(Manifest manifest);

  /** Durable on return; storing the same id again does nothing, or repairs a damaged copy. */
  void putVersion(String versionId, byte[] bytes);

  /** The bytes, their hash checked; throws DATA_LOSS or NOT_FOUND. */
  ByteBuffer getVersion(String versionId);

  /** Removes the versions that no manifest names. */
  void removeVersionsExcept(Set<String> versionIds);
}
