package dev.perennial.server.task;

import dev.perennial.server.task.TaskStore.Manifest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** The three changes of a manifest; each moves the epoch on by one. Pure functions. */
final class PoolChange {
  private PoolChange() {}

  /** Version ids of a task that the manifest names, newest first. */
  static List<String> versions(Manifest manifest, String task) {
    return Objects.requireNonNull(manifest.versions().get(task), task);
  }

  /** Active version of a task that the manifest names. */
  static String activeVersion(Manifest manifest, String task) {
    return Objects.requireNonNull(manifest.active().get(task), task);
  }

  /**
   * With the version as the newest and active one, and the task's oldest beyond the bound dropped.
   *
   * @param kept versions that are never dropped, and do not count
   */
  static Manifest published(
      Manifest before, String task, String versionId, Set<String> kept, int retained) {
    List<String> ids = new ArrayList<>(before.versions().getOrDefault(task, List.of()));
    ids.remove(versionId);
    ids.add(0, versionId);
    List<String> retainedIds = new ArrayList<>();
    int counted = 0;
    for (String id : ids) {
      if (kept.contains(id)) {
        retainedIds.add(id);
      } else if (counted < retained) {
        counted++;
        retainedIds.add(id);
      }
    }
    Map<String, List<String>> versions = new HashMap<>(before.versions());
    versions.put(task, retainedIds);
    Map<String, String> active = new HashMap<>(before.active());
    active.put(task, versionId);
    return new Manifest(before.epoch() + 1, active, versions);
  }

  static Manifest activated(Manifest before, String task, String versionId) {
    Map<String, String> active = new HashMap<>(before.active());
    active.put(task, versionId);
    return new Manifest(before.epoch() + 1, active, before.versions());
  }

  static Manifest deleted(Manifest before, String task) {
    Map<String, List<String>> versions = new HashMap<>(before.versions());
    versions.remove(task);
    Map<String, String> active = new HashMap<>(before.active());
    active.remove(task);
    return new Manifest(before.epoch() + 1, active, versions);
  }
}
