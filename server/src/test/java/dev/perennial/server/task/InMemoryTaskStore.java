package dev.perennial.server.task;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A store that forgets everything with the process, for tests. Safe for any thread. */
public final class InMemoryTaskStore implements TaskStore {
  private final Map<String, byte[]> versions = new ConcurrentHashMap<>();
  private volatile boolean full;
  private volatile Runnable delay = () -> {};
  private volatile Manifest manifest = Manifest.empty();

  @Override
  public Manifest manifest() {
    return manifest;
  }

  @Override
  public void writeManifest(Manifest next) {
    requireRoom();
    manifest = next;
  }

  @Override
  public void putVersion(String versionId, byte[] bytes) {
    requireRoom();
    delay.run();
    versions.put(versionId, bytes.clone());
  }

  private void requireRoom() {
    if (full) {
      throw new ServingException(ErrorCode.RESOURCE_EXHAUSTED, "DISK_FULL", "disk: full");
    }
  }

  @Override
  public ByteBuffer getVersion(String versionId) {
    delay.run();
    byte[] bytes = versions.get(versionId);
    if (bytes == null) {
      throw new ServingException(ErrorCode.NOT_FOUND, "VERSION_NOT_FOUND", "version: " + versionId);
    }
    if (!TaskVersionFile.versionId(bytes).equals(versionId)) {
      throw new ServingException(ErrorCode.DATA_LOSS, "VERSION_DAMAGED", "version: " + versionId);
    }
    return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
  }

  @Override
  public void removeVersionsExcept(Set<String> versionIds) {
    versions.keySet().retainAll(versionIds);
  }

  /** Whether nothing new finds room, not even a manifest. */
  public void full(boolean value) {
    full = value;
  }

  /** What takes time whenever a version is read or written. */
  public void delayedBy(Runnable work) {
    delay = work;
  }

  /** Forgets all. */
  public void wipe() {
    versions.clear();
    manifest = Manifest.empty();
  }

  /** The versions that are stored. */
  public Set<String> versionIds() {
    return Set.copyOf(versions.keySet());
  }

  /** Flips one bit of a stored version. */
  public void damage(String versionId) {
    versions.computeIfPresent(
        versionId,
        (id, bytes) -> {
          byte[] damaged = bytes.clone();
          damaged[damaged.length / 2] ^= 1;
          return damaged;
        });
  }
}
