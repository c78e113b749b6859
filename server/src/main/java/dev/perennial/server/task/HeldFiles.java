package dev.perennial.server.task;

import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Files that are stored before a manifest names them; the newest of them are kept loaded. Used
 * under its pool's lock.
 */
final class HeldFiles {
  /** Files that are kept loaded; of the others only the file is there. */
  static final int MAX_LOADED = 16;

  private final Set<String> ids = new HashSet<>();

  /** By id, oldest first. */
  private final Map<String, PoolFile> loaded = new LinkedHashMap<>();

  void hold(String id, PoolFile file) {
    ids.add(id);
    keepLoaded(id, file);
  }

  /** A file that the next state needs; held or not. */
  void keepLoaded(String id, PoolFile file) {
    loaded.put(id, file);
    if (loaded.size() > MAX_LOADED) {
      loaded.remove(loaded.keySet().iterator().next());
    }
  }

  /** False where it was not held. */
  boolean release(String id) {
    loaded.remove(id);
    return ids.remove(id);
  }

  /** A manifest names these now. */
  void named(Set<String> fileIds) {
    ids.removeAll(fileIds);
    loaded.keySet().removeAll(fileIds);
  }

  void clear() {
    ids.clear();
    loaded.clear();
  }

  Set<String> ids() {
    return Collections.unmodifiableSet(ids);
  }

  Map<String, PoolFile> loaded() {
    return Collections.unmodifiableMap(loaded);
  }
}
