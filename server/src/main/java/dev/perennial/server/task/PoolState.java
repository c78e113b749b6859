package dev.perennial.server.task;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A manifest with what it takes to serve it: the active versions loaded with what counts beside
 * them, a summary of every file. Immutable.
 *
 * @param summaries of versions, by id
 * @param contributions the same of contributions
 * @param unavailable by file id
 */
record PoolState(
    Manifest manifest,
    PoolSnapshot snapshot,
    Map<String, VersionSummary> summaries,
    Map<String, ContributionSummary> contributions,
    Map<String, UnavailableVersion> unavailable) {

  PoolState {
    summaries = Map.copyOf(summaries);
    contributions = Map.copyOf(contributions);
    unavailable = Map.copyOf(unavailable);
  }

  /** Before anything was read. */
  static PoolState nothing() {
    return new PoolState(
        Manifest.empty(), new PoolSnapshot(0, List.of()), Map.of(), Map.of(), Map.of());
  }

  /**
   * The state of a manifest. What this state has loaded is taken over; the rest is read from the
   * store; what cannot be read or does not fit is unavailable.
   *
   * @param ready files that were loaded for this, by id
   */
  PoolState at(Manifest next, VersionLoader loader, Map<String, PoolFile> ready) {
    return new PoolStateBuilder(this, loader, ready).at(next);
  }

  /** The task as that version serves it; null where another one does, or none. */
  @Nullable ActiveTask serving(String task, String versionId) {
    int slot = snapshot.slot(task);
    if (slot < 0 || !snapshot.tasks().get(slot).versionId().equals(versionId)) {
      return null;
    }
    return snapshot.tasks().get(slot);
  }

  /** Whether that version answers for the task. */
  boolean serves(String task, String versionId) {
    return serving(task, versionId) != null;
  }

  /** Whether the version or contribution was read and is whole. */
  boolean has(String fileId) {
    return knows(fileId) && !unavailable.containsKey(fileId);
  }

  /** Whether the file was read. */
  boolean knows(String fileId) {
    return summaries.containsKey(fileId) || contributions.containsKey(fileId);
  }

  /** Files that cannot serve, by task and id. */
  List<UnavailableVersion> unavailableVersions() {
    return unavailable.values().stream()
        .sorted(
            Comparator.comparing(UnavailableVersion::task)
                .thenComparing(UnavailableVersion::versionId))
        .toList();
  }

  /** Files that could not be read. */
  Set<String> damaged() {
    Set<String> damaged = new HashSet<>(unavailable.keySet());
    damaged.removeIf(this::knows);
    return damaged;
  }
}
