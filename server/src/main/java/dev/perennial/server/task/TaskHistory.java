package dev.perennial.server.task;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A task with its versions, newest first, and its contributions; those that are damaged are in
 * {@link TaskPool#unavailable}. Immutable.
 *
 * @param activeVersionId the manifest's, even where that version is unavailable
 * @param stamps per version the epoch at which it was last made the active one, per contribution
 *     that at which it came
 * @param contributions the oldest first
 * @param counted ids of the contributions that are part of the task's statistics now
 */
public record TaskHistory(
    String task,
    String activeVersionId,
    List<VersionSummary> versions,
    Map<String, Long> stamps,
    List<ContributionSummary> contributions,
    Set<String> counted) {

  /** Throws NOT_FOUND. */
  static TaskHistory of(PoolState state, String task) {
    Manifest manifest = state.manifest();
    PoolChange.requireKnown(manifest, task);
    List<VersionSummary> versions = new ArrayList<>();
    for (String id : manifest.versions(task)) {
      VersionSummary summary = state.summaries().get(id);
      if (summary != null) {
        versions.add(summary);
      }
    }
    versions.sort(Comparator.comparing(VersionSummary::created).reversed());
    Map<String, Long> stamps = new TreeMap<>(manifest.tasks().getOrDefault(task, Map.of()));
    stamps.putAll(manifest.contributions().getOrDefault(task, Map.of()));
    List<ContributionSummary> contributions = new ArrayList<>();
    for (String id : manifest.contributionsTo(task)) {
      ContributionSummary summary = state.contributions().get(id);
      if (summary != null) {
        contributions.add(summary);
      }
    }
    contributions.sort(
        Comparator.comparing((ContributionSummary c) -> stamps.getOrDefault(c.contributionId(), 0L))
            .thenComparing(ContributionSummary::contributionId));
    int slot = state.snapshot().slot(task);
    return new TaskHistory(
        task,
        manifest.activeVersion(task),
        List.copyOf(versions),
        Map.copyOf(stamps),
        List.copyOf(contributions),
        slot < 0 ? Set.of() : state.snapshot().tasks().get(slot).contributions());
  }
}
