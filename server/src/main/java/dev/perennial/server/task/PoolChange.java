package dev.perennial.server.task;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What can happen to a manifest. Pure functions: whoever applies a change to the same manifest gets
 * the same one. A change that changes nothing gives the manifest itself; any other moves the epoch
 * on.
 */
public sealed interface PoolChange {
  /**
   * The manifest with the change; throws NOT_FOUND, RESOURCE_EXHAUSTED.
   *
   * @param unavailable versions that cannot serve where this is decided
   */
  Manifest after(Manifest before, Set<String> unavailable);

  /**
   * The version becomes the active one. The task's oldest beyond {@link TaskPool#RETAINED_VERSIONS}
   * are forgotten; those that are unavailable are not, and do not count.
   */
  record Publish(String task, String versionId) implements PoolChange {
    @Override
    public Manifest after(Manifest before, Set<String> unavailable) {
      boolean known = before.tasks().containsKey(task);
      if (known
          && before.activeVersion(task).equals(versionId)
          && !unavailable.contains(versionId)) {
        return before;
      }
      if (!known && before.tasks().size() >= TaskPool.MAX_TASKS) {
        throw new ServingException(
            ErrorCode.RESOURCE_EXHAUSTED,
            "TOO_MANY_TASKS",
            "tasks: "
                + before.tasks().size()
                + " (expected: fewer than "
                + TaskPool.MAX_TASKS
                + ")");
      }
      Manifest with = stamped(before, task, versionId);
      List<String> beyond =
          with.versions(task).stream()
              .filter(id -> id.equals(versionId) || !unavailable.contains(id))
              .skip(TaskPool.RETAINED_VERSIONS)
              .toList();
      return without(with, task, beyond);
    }
  }

  /** One of the task's versions becomes the active one. */
  record Activate(String task, String versionId) implements PoolChange {
    @Override
    public Manifest after(Manifest before, Set<String> unavailable) {
      requireKnown(before, task);
      if (!before.versions(task).contains(versionId)) {
        throw new ServingException(
            ErrorCode.NOT_FOUND,
            "VERSION_NOT_FOUND",
            "version: " + versionId + " (expected: one of task " + task + ")");
      }
      boolean serves =
          before.activeVersion(task).equals(versionId) && !unavailable.contains(versionId);
      return serves ? before : stamped(before, task, versionId);
    }
  }

  /** The task and its versions are forgotten. */
  record Delete(String task) implements PoolChange {
    @Override
    public Manifest after(Manifest before, Set<String> unavailable) {
      requireKnown(before, task);
      return without(before.at(before.epoch() + 1), task, before.versions(task));
    }
  }

  /** What another pool knows is added. */
  record Union(Manifest other) implements PoolChange {
    @Override
    public Manifest after(Manifest before, Set<String> unavailable) {
      return before.union(other);
    }
  }

  /** Throws NOT_FOUND. */
  static void requireKnown(Manifest manifest, String task) {
    if (!manifest.tasks().containsKey(task)) {
      throw new ServingException(
          ErrorCode.NOT_FOUND,
          "TASK_NOT_FOUND",
          "task: " + task + " (expected: one of " + manifest.tasks().size() + " known tasks)");
    }
  }

  private static Manifest stamped(Manifest before, String task, String versionId) {
    long epoch = before.epoch() + 1;
    Map<String, Map<String, Long>> tasks = new HashMap<>(before.tasks());
    Map<String, Long> stamps = new HashMap<>(tasks.getOrDefault(task, Map.of()));
    stamps.put(versionId, epoch);
    tasks.put(task, stamps);
    Map<String, Long> forgotten = new HashMap<>(before.forgotten());
    forgotten.remove(versionId);
    return new Manifest(epoch, tasks, forgotten);
  }

  /** At the manifest's own epoch: the change is already under way. */
  private static Manifest without(Manifest at, String task, List<String> versionIds) {
    if (versionIds.isEmpty()) {
      return at;
    }
    Map<String, Map<String, Long>> tasks = new HashMap<>(at.tasks());
    Map<String, Long> stamps = new HashMap<>(tasks.getOrDefault(task, Map.of()));
    Map<String, Long> forgotten = new HashMap<>(at.forgotten());
    for (String id : versionIds) {
      stamps.remove(id);
      forgotten.put(id, at.epoch());
    }
    if (stamps.isEmpty()) {
      tasks.remove(task);
    } else {
      tasks.put(task, stamps);
    }
    return new Manifest(at.epoch(), tasks, forgotten);
  }
}
