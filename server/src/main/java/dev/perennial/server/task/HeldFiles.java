package dev.perennial.server.task;

import java.util.Collections;
import java.util.HashMap;
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

  /** How many hold each. */
  private final Map<String, Integer> holds = new HashMap<>();

  /** By id, oldest first. */
  private final Map<String, PoolFile> loaded = new LinkedHashMap<>();

  void hold(String id, PoolFile file) {
    holds.merge(id, 1, Integer::sum);
    keepLoaded(id, file);
  }

  /** A file that the next state needs; held or not. */
  void keepLoaded(String id, PoolFile file) {
    loaded.put(id, file);
    if (loaded.size() > MAX_LOADED) {
      loaded.remove(loaded.keySet().iterator().next());
    }
  }

  /** True where that was the last who held it. */
  boolean release(String id) {
    Integer left = holds.computeIfPresent(id, (held, count) -> count - 1);
    if (left == null || left > 0) {
      return false;
    }
    holds.remove(id);
    loaded.remove(id);
    return true;
  }

  /** A manifest names these now. */
  void named(Set<String> fileIds) {
    holds.keySet().removeAll(fileIds);
    loaded.keySet().removeAll(fileIds);
  }

  void clear() {
    holds.clear();
    loaded.clear();
  }

  Set<String> ids() {
    return Collections.unmodifiableSet(holds.keySet());
  }

  Map<String, PoolFile> loaded() {
    return Collections.unmodifiableMap(loaded);
  }
}
