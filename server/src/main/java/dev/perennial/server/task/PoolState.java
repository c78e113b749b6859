package dev.perennial.server.task;

import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A manifest with what it takes to serve it: the active versions loaded, a summary of every
 * version. Immutable.
 *
 * @param unavailable by version id
 */
record PoolState(
    Manifest manifest,
    PoolSnapshot snapshot,
    Map<String, VersionSummary> summaries,
    Map<String, UnavailableVersion> unavailable) {
  private static final Logger LOG = LoggerFactory.getLogger(PoolState.class);

  PoolState {
    summaries = Map.copyOf(summaries);
    unavailable = Map.copyOf(unavailable);
  }

  /** Before anything was read. */
  static PoolState nothing() {
    return new PoolState(Manifest.empty(), new PoolSnapshot(0, List.of()), Map.of(), Map.of());
  }

  /**
   * The state of a manifest. What this state has loaded is taken over; the rest is read from the
   * store; what cannot be read or does not fit is unavailable.
   *
   * @param ready versions that were loaded for this, by id
   */
  PoolState at(Manifest next, VersionLoader loader, Map<String, TaskVersion> ready) {
    Builder builder = new Builder(loader, ready);
    for (String task : next.tasks().keySet()) {
      List<String> ids = next.versions(task);
      builder.active(task, ids.get(0));
      ids.subList(1, ids.size()).forEach(id -> builder.inactive(task, id));
    }
    return new PoolState(
        next,
        new PoolSnapshot(next.epoch(), builder.tasks),
        builder.summaries,
        builder.unavailable);
  }

  /** Whether that version answers for the task. */
  boolean serves(String task, String versionId) {
    int slot = snapshot.slot(task);
    return slot >= 0 && snapshot.tasks().get(slot).versionId().equals(versionId);
  }

  /** Whether the version was read and is whole. */
  boolean has(String versionId) {
    return summaries.containsKey(versionId) && !unavailable.containsKey(versionId);
  }

  private final class Builder {
    private final VersionLoader loader;
    private final Map<String, TaskVersion> ready;
    private final List<ActiveTask> tasks = new ArrayList<>();
    private final Map<String, VersionSummary> summaries = new HashMap<>();
    private final Map<String, UnavailableVersion> unavailable = new TreeMap<>();

    Builder(VersionLoader loader, Map<String, TaskVersion> ready) {
      this.loader = loader;
      this.ready = ready;
    }

    void active(String task, String id) {
      if (PoolState.this.serves(task, id)) {
        tasks.add(snapshot.tasks().get(snapshot.slot(task)));
        keepSummary(id);
      } else if (!stillUnavailable(task, id, true)) {
        read(task, id, true);
      }
    }

    void inactive(String task, String id) {
      if (PoolState.this.has(id)) {
        keepSummary(id);
      } else if (!stillUnavailable(task, id, false)) {
        read(task, id, false);
      }
    }

    private void keepSummary(String id) {
      VersionSummary summary = PoolState.this.summaries.get(id);
      if (summary != null) {
        summaries.put(id, summary);
      }
    }

    private boolean stillUnavailable(String task, String id, boolean active) {
      UnavailableVersion known = PoolState.this.unavailable.get(id);
      if (known == null || ready.containsKey(id)) {
        return false;
      }
      keepSummary(id);
      unavailable.put(id, new UnavailableVersion(task, id, active, known.cause()));
      return true;
    }

    private void read(String task, String id, boolean active) {
      try {
        TaskVersion known = ready.get(id);
        TaskVersion version = known == null ? loader.load(task, id) : known;
        summaries.put(id, VersionSummary.of(id, version));
        loader.requireFits(version);
        if (active) {
          tasks.add(ActiveTask.of(id, version));
        }
      } catch (ServingException e) {
        String cause = e.reason() + ": " + e.getMessage();
        unavailable.put(id, new UnavailableVersion(task, id, active, cause));
        LOG.warn(
            "Version {} of task {} ({}) does not serve: {}",
            id,
            task,
            active ? "active" : "not active",
            cause);
      }
    }
  }
}
