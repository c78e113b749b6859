package dev.perennial.server.task;

import dev.perennial.server.error.ServingException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which files a pool keeps beside those that its manifest names: files that somebody here
 * <em>holds</em>, and files that are <em>prepared</em>, for a manifest that the coordinator may
 * decide. The newest of them are kept loaded; all others are removed. Used under its pool's lock.
 */
final class StoredFiles {
  /** Files that are kept loaded; of the others only the file is there. */
  static final int MAX_LOADED = 16;

  private static final Logger LOG = LoggerFactory.getLogger(StoredFiles.class);

  private final TaskStore store;

  /** How many hold each. */
  private final Map<String, Integer> holds = new HashMap<>();

  private final Set<String> prepared = new HashSet<>();

  /** By id, oldest first. */
  private final Map<String, PoolFile> loaded = new LinkedHashMap<>();

  /** Whether a file may be there that nobody needs. */
  private boolean garbage;

  StoredFiles(TaskStore store) {
    this.store = store;
  }

  /** Stores a file durably; returns its id. */
  String hold(ByteBuffer bytes, PoolFile file) {
    String id = put(bytes, file);
    holds.merge(id, 1, Integer::sum);
    return id;
  }

  /** Stores a file durably, for a coordinator. */
  void prepare(ByteBuffer bytes, PoolFile file) {
    prepared.add(put(bytes, file));
  }

  private String put(ByteBuffer bytes, PoolFile file) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    String id = TaskVersionFile.versionId(copy);
    store.putVersion(id, copy);
    keepLoaded(id, file);
    return id;
  }

  /** A file that the next state needs; held or not. */
  void keepLoaded(String id, PoolFile file) {
    loaded.put(id, file);
    if (loaded.size() > MAX_LOADED) {
      loaded.remove(loaded.keySet().iterator().next());
    }
  }

  /** One who held the file lets go of it. */
  void release(String id) {
    Integer left = holds.computeIfPresent(id, (held, count) -> count - 1);
    if (left != null && left == 0) {
      holds.remove(id);
      forgetUnlessKept(id);
    }
  }

  /** No manifest is to come that needs these. */
  void releasePrepared(Collection<String> ids) {
    for (String id : ids) {
      if (prepared.remove(id)) {
        forgetUnlessKept(id);
      }
    }
  }

  /** The same of all that were prepared. */
  void releasePrepared() {
    releasePrepared(List.copyOf(prepared));
  }

  private void forgetUnlessKept(String id) {
    if (!holds.containsKey(id) && !prepared.contains(id)) {
      loaded.remove(id);
      garbage = true;
    }
  }

  /** A manifest names these now, and not all of those before. */
  void named(Set<String> fileIds, Set<String> before) {
    holds.keySet().removeAll(fileIds);
    prepared.removeAll(fileIds);
    loaded.keySet().removeAll(fileIds);
    garbage |= !fileIds.containsAll(before);
  }

  /** Removes what nobody needs; a file that cannot be removed now goes with a later change. */
  void removeGarbage(Set<String> named) {
    if (!garbage) {
      return;
    }
    Set<String> kept = ids();
    kept.addAll(named);
    try {
      store.removeVersionsExcept(kept);
      garbage = false;
    } catch (ServingException e) {
      LOG.warn("Forgotten versions stay on disk for now", e);
    }
  }

  void clear() {
    holds.clear();
    prepared.clear();
    loaded.clear();
  }

  /** Files that are kept though no manifest names them. */
  Set<String> ids() {
    Set<String> ids = new HashSet<>(holds.keySet());
    ids.addAll(prepared);
    return ids;
  }

  Map<String, PoolFile> loaded() {
    return Collections.unmodifiableMap(loaded);
  }
}
