package dev.perennial.server.task;

import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Where versions and the manifest survive a crash. Called by one thread at a time: the pool's
 * writer. Every call either has its whole effect, or throws and has none; after a throw the next
 * opening may find either.
 */
public interface TaskStore {
  /**
   * Which versions there are and which is active. Immutable.
   *
   * @param active per task its active version's id, one of its versions
   * @param versions per task all version ids, newest first; the same tasks as in {@code active}
   */
  record Manifest(long epoch, Map<String, String> active, Map<String, List<String>> versions) {
    public Manifest {
      active = Collections.unmodifiableMap(new TreeMap<>(active));
      Map<String, List<String>> copy = new TreeMap<>();
      versions.forEach((task, ids) -> copy.put(task, List.copyOf(ids)));
      versions = Collections.unmodifiableMap(copy);
      if (epoch < 0) {
        throw new IllegalArgumentException("epoch: " + epoch + " (expected: at least 0)");
      }
      if (!active.keySet().equals(versions.keySet())) {
        throw new IllegalArgumentException(
            "tasks with an active version: "
                + active.keySet()
                + " (expected: "
                + versions.keySet()
                + ")");
      }
      active.forEach((task, id) -> requireOnce(task, id, copy.getOrDefault(task, List.of())));
    }

    private static void requireOnce(String task, String id, List<String> ids) {
      if (!ids.contains(id) || new HashSet<>(ids).size() != ids.size()) {
        throw new IllegalArgumentException(
            "versions of " + task + ": " + ids + " (expected: " + id + " among them, none twice)");
      }
    }

    /** The manifest of a new store. */
    public static Manifest empty() {
      return new Manifest(0, Map.of(), Map.of());
    }

    /** Every version of every task. */
    public Set<String> versionIds() {
      Set<String> ids = new HashSet<>();
      versions.values().forEach(ids::addAll);
      return ids;
    }
  }

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
