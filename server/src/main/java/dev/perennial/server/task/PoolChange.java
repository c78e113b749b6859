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
   *
   * @param once where it was published before, it stays as it is now, active or not or deleted: a
   *     job whose owner died after its publication does it again
   */
  record Publish(String task, String versionId, boolean once) implements PoolChange {
    @Override
    public Manifest after(Manifest before, Set<String> unavailable) {
      if (once
          && !unavailable.contains(versionId)
          && (before.forgotten().containsKey(versionId)
              || before.versionIds().contains(versionId))) {
        return before;
      }
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
      return without(known ? with : withoutContributions(with, task), task, beyond);
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

  /** The task, its versions and its contributions are forgotten. */
  record Delete(String task) implements PoolChange {
    @Override
    public Manifest after(Manifest before, Set<String> unavailable) {
      requireKnown(before, task);
      Manifest at = before.at(before.epoch() + 1);
      return without(withoutContributions(at, task), task, before.versions(task));
    }
  }

  /**
   * A contribution is added to the task; one that is there already stays.
   *
   * @param once one that was taken back, or went with its task, is refused: a job whose owner died
   *     after its contribution makes it again
   */
  record Contribute(String task, String contributionId, boolean once) implements PoolChange {
    @Override
    public Manifest after(Manifest before, Set<String> unavailable) {
      if (once && before.forgotten().containsKey(contributionId)) {
        throw new ServingException(
            ErrorCode.FAILED_PRECONDITION,
            "CONTRIBUTION_WITHDRAWN",
            "contribution: "
                + contributionId
                + " was taken back (expected: a new one, under another request_id)");
      }
      requireKnown(before, task);
      Set<String> present = before.contributionsTo(task);
      if (present.contains(contributionId)) {
        return before;
      }
      if (present.size() >= TaskPool.MAX_CONTRIBUTIONS) {
        throw new ServingException(
            ErrorCode.RESOURCE_EXHAUSTED,
            "TOO_MANY_CONTRIBUTIONS",
            "contributions to task "
                + task
                + ": "
                + present.size()
                + " (expected: fewer than "
                + TaskPool.MAX_CONTRIBUTIONS
                + ")");
      }
      Edit edit = new Edit(before.at(before.epoch() + 1));
      edit.stamp(edit.contributions, task, contributionId);
      return edit.manifest();
    }
  }

  /** A contribution is taken back. */
  record Withdraw(String task, String contributionId) implements PoolChange {
    @Override
    public Manifest after(Manifest before, Set<String> unavailable) {
      requireKnown(before, task);
      if (!before.contributionsTo(task).contains(contributionId)) {
        throw new ServingException(
            ErrorCode.NOT_FOUND,
            "CONTRIBUTION_NOT_FOUND",
            "contribution: " + contributionId + " (expected: one of task " + task + ")");
      }
      Edit edit = new Edit(before.at(before.epoch() + 1));
      edit.forget(edit.contributions, task, List.of(contributionId));
      return edit.manifest();
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
    Edit edit = new Edit(before.at(before.epoch() + 1));
    edit.stamp(edit.tasks, task, versionId);
    return edit.manifest();
  }

  /** At the manifest's own epoch: the change is already under way. */
  private static Manifest without(Manifest at, String task, List<String> versionIds) {
    Edit edit = new Edit(at);
    edit.forget(edit.tasks, task, versionIds);
    return edit.manifest();
  }

  /** The same of the task's contributions. */
  private static Manifest withoutContributions(Manifest at, String task) {
    Edit edit = new Edit(at);
    edit.forget(edit.contributions, task, List.copyOf(at.contributionsTo(task)));
    return edit.manifest();
  }

  /** A manifest's maps while they are changed, all under one epoch. Used by one thread. */
  final class Edit {
    private final long epoch;
    private final Map<String, Map<String, Long>> tasks;
    private final Map<String, Map<String, Long>> contributions;
    private final Map<String, Long> forgotten;

    private Edit(Manifest at) {
      epoch = at.epoch();
      tasks = new HashMap<>(at.tasks());
      contributions = new HashMap<>(at.contributions());
      forgotten = new HashMap<>(at.forgotten());
    }

    private void stamp(Map<String, Map<String, Long>> files, String task, String id) {
      Map<String, Long> stamps = new HashMap<>(files.getOrDefault(task, Map.of()));
      stamps.put(id, epoch);
      files.put(task, stamps);
      forgotten.remove(id);
    }

    private void forget(Map<String, Map<String, Long>> files, String task, List<String> ids) {
      Map<String, Long> stamps = new HashMap<>(files.getOrDefault(task, Map.of()));
      for (String id : ids) {
        stamps.remove(id);
        forgotten.put(id, epoch);
      }
      if (stamps.isEmpty()) {
        files.remove(task);
      } else {
        files.put(task, stamps);
      }
    }

    private Manifest manifest() {
      return new Manifest(epoch, tasks, contributions, forgotten);
    }
  }
}
