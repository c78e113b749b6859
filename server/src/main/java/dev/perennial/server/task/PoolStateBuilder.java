package dev.perennial.server.task;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.FeatureStatistics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes one state out of the one before it. Used once, by one thread. */
final class PoolStateBuilder {
  private static final Logger LOG = LoggerFactory.getLogger(PoolStateBuilder.class);

  private final PoolState before;
  private final VersionLoader loader;
  private final Map<String, PoolFile> ready;
  private final List<ActiveTask> tasks = new ArrayList<>();
  private final Map<String, VersionSummary> summaries = new HashMap<>();
  private final Map<String, ContributionSummary> contributions = new HashMap<>();
  private final Map<String, UnavailableVersion> unavailable = new TreeMap<>();

  /** Contributions to the present task that were read just now. */
  private final Map<String, Contribution> fresh = new HashMap<>();

  PoolStateBuilder(PoolState before, VersionLoader loader, Map<String, PoolFile> ready) {
    this.before = before;
    this.loader = loader;
    this.ready = ready;
  }

  PoolState at(Manifest next) {
    Set<String> names = new TreeSet<>(next.tasks().keySet());
    names.addAll(next.contributions().keySet());
    for (String task : names) {
      fresh.clear();
      next.contributionsTo(task).forEach(id -> summarise(task, id));
      List<String> ids = next.versions(task);
      if (ids.isEmpty()) {
        continue; // contributions without a task
      }
      active(task, ids.get(0), next.contributionsTo(task));
      ids.subList(1, ids.size()).forEach(id -> inactive(task, id));
    }
    return new PoolState(
        next, new PoolSnapshot(next.epoch(), tasks), summaries, contributions, unavailable);
  }

  private void active(String task, String id, Set<String> given) {
    ActiveTask known = before.serving(task, id);
    TaskVersion version = null;
    if (known != null) {
      keepSummary(id);
      version = known.version();
    } else if (!stillUnavailable(task, id, true)) {
      version = read(task, id, true);
    }
    if (version != null) {
      tasks.add(withContributions(known, id, version, counting(version, given)));
    }
  }

  private void inactive(String task, String id) {
    if (before.has(id)) {
      keepSummary(id);
    } else if (!stillUnavailable(task, id, false)) {
      read(task, id, false);
    }
  }

  private void keepSummary(String id) {
    VersionSummary summary = before.summaries().get(id);
    if (summary != null) {
      summaries.put(id, summary);
    }
    ContributionSummary contribution = before.contributions().get(id);
    if (contribution != null) {
      contributions.put(id, contribution);
    }
  }

  private boolean stillUnavailable(String task, String id, boolean active) {
    UnavailableVersion known = before.unavailable().get(id);
    if (known == null || ready.containsKey(id)) {
      return false;
    }
    keepSummary(id);
    unavailable.put(id, new UnavailableVersion(task, id, active, known.cause()));
    return true;
  }

  /** Null where it cannot serve. */
  private @Nullable TaskVersion read(String task, String id, boolean active) {
    try {
      TaskVersion version =
          ready.get(id) instanceof TaskVersion known ? known : loader.load(task, id);
      summaries.put(id, VersionSummary.of(id, version));
      loader.requireFits(version);
      return version;
    } catch (ServingException e) {
      cannotServe(task, id, active, e);
      return null;
    }
  }

  private void cannotServe(String task, String id, boolean active, ServingException e) {
    String cause = e.reason() + ": " + e.getMessage();
    unavailable.put(id, new UnavailableVersion(task, id, active, cause));
    LOG.warn(
        "File {} of task {} ({}) does not serve: {}",
        id,
        task,
        active ? "the active version" : "not the active version",
        cause);
  }

  private void summarise(String task, String id) {
    if (before.has(id)) {
      keepSummary(id);
    } else if (!stillUnavailable(task, id, false)) {
      load(task, id);
    }
  }

  /** Null where it cannot be added to anything. */
  private @Nullable Contribution load(String task, String id) {
    try {
      Contribution contribution =
          ready.get(id) instanceof Contribution known ? known : loader.loadContribution(task, id);
      contributions.put(id, ContributionSummary.of(id, contribution));
      loader.requireFits(contribution);
      fresh.put(id, contribution);
      return contribution;
    } catch (ServingException e) {
      cannotServe(task, id, false, e);
      return null;
    }
  }

  /** Those that can be added to the version; the others rest until one serves that they fit. */
  private Set<String> counting(TaskVersion version, Set<String> given) {
    Set<String> counting = new TreeSet<>();
    for (String id : given) {
      ContributionSummary summary = contributions.get(id);
      if (summary != null && !unavailable.containsKey(id) && summary.countsWith(version)) {
        counting.add(id);
      }
    }
    return counting;
  }

  /** Sums of integers: the same from the state before as from the start. */
  private ActiveTask withContributions(
      @Nullable ActiveTask known, String versionId, TaskVersion version, Set<String> counting) {
    if (known != null && known.contributions().equals(counting)) {
      return known;
    }
    FeatureStatistics sum = version.statistics();
    Set<String> added = new TreeSet<>();
    if (known != null && counting.containsAll(known.contributions())) {
      sum = known.statistics();
      added.addAll(known.contributions());
    }
    Map<String, Integer> places = new HashMap<>();
    version.classNames().forEach(name -> places.put(name, places.size()));
    for (String id : counting) {
      if (added.contains(id)) {
        continue;
      }
      Contribution contribution = fresh.get(id);
      if (contribution == null) {
        contribution = load(version.task(), id);
      }
      if (contribution != null) {
        int[] placeOf = contribution.classNames().stream().mapToInt(places::get).toArray();
        sum = sum.plus(contribution.statistics().inClasses(placeOf, places.size()));
        added.add(id);
      }
    }
    return ActiveTask.of(versionId, version, added, sum);
  }
}
