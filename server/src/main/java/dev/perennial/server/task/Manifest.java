package dev.perennial.server.task;

import static dev.perennial.server.task.Checks.require;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which versions there are and which of them serve, under an epoch. Immutable.
 *
 * <p>Every version has a stamp: the epoch at which it was last made the active one. A task's active
 * version is the one with the highest (stamp, id). A version that was deleted leaves a mark with
 * the epoch of its deletion, so that a copy of the pool that still has the version cannot bring it
 * back. Epochs only grow, and a change's epoch is above all stamps that its author saw; so stamps
 * are Lamport clocks, and two manifests that grew apart have one {@link #union}, whoever computes
 * it: per version the higher stamp counts (where two are equal, being there counts), and nothing
 * that only one side deleted or never knew is lost but by a deletion that saw it.
 *
 * <p>{@link Contribution Contributions} are a set with stamps under the same rule; a withdrawn one
 * leaves a mark as a deleted version does. They belong to a task by its name: where one part of a
 * cluster contributed to a task that another part deleted, they stay without it, count for nothing,
 * and go when the name is taught anew.
 *
 * @param tasks per task the stamps of its versions, one version or more
 * @param contributions per task the epochs at which its contributions came, one or more
 * @param forgotten stamps of deleted versions and withdrawn contributions, the newest {@value
 *     #MAX_FORGOTTEN}
 */
public record Manifest(
    long epoch,
    Map<String, Map<String, Long>> tasks,
    Map<String, Map<String, Long>> contributions,
    Map<String, Long> forgotten) {
  /** Deletions that are remembered; a member that slept through more may bring versions back. */
  public static final int MAX_FORGOTTEN = 4_096;

  /** A version and its stamp, the active one of its task first. */
  private static final Comparator<Map.Entry<String, Long>> NEWEST_FIRST =
      Map.Entry.<String, Long>comparingByValue()
          .thenComparing(Map.Entry.comparingByKey())
          .reversed();

  /** Throws IllegalArgumentException that names what does not fit. */
  public Manifest {
    tasks = copy(tasks);
    contributions = copy(contributions);
    forgotten = Collections.unmodifiableMap(new TreeMap<>(newest(forgotten)));
    require(epoch >= 0, "epoch", epoch, "at least 0");
    Set<String> seen = new HashSet<>(forgotten.keySet());
    for (Map<String, Map<String, Long>> kind : List.of(tasks, contributions)) {
      kind.forEach(
          (task, stamps) -> {
            require(!stamps.isEmpty(), "files of " + task, 0, "1 or more");
            stamps.keySet().forEach(id -> require(seen.add(id), "file", id, "in one place only"));
          });
      kind.values().forEach(stamps -> requireStamps(stamps, epoch));
    }
    requireStamps(forgotten, epoch);
  }

  /** Without contributions. */
  public Manifest(long epoch, Map<String, Map<String, Long>> tasks, Map<String, Long> forgotten) {
    this(epoch, tasks, Map.of(), forgotten);
  }

  private static Map<String, Map<String, Long>> copy(Map<String, Map<String, Long>> files) {
    Map<String, Map<String, Long>> copy = new TreeMap<>();
    files.forEach(
        (task, stamps) -> copy.put(task, Collections.unmodifiableMap(new TreeMap<>(stamps))));
    return Collections.unmodifiableMap(copy);
  }

  private static Map<String, Long> newest(Map<String, Long> forgotten) {
    if (forgotten.size() <= MAX_FORGOTTEN) {
      return forgotten;
    }
    Map<String, Long> newest = new HashMap<>();
    forgotten.entrySet().stream()
        .sorted(NEWEST_FIRST)
        .limit(MAX_FORGOTTEN)
        .forEach(mark -> newest.put(mark.getKey(), mark.getValue()));
    return newest;
  }

  private static void requireStamps(Map<String, Long> stamps, long epoch) {
    stamps.forEach(
        (id, stamp) ->
            require(stamp >= 1 && stamp <= epoch, "stamp of " + id, stamp, "1.." + epoch));
  }

  /** The manifest of a new store. */
  public static Manifest empty() {
    return new Manifest(0, Map.of(), Map.of());
  }

  /** A task's version ids, the active one first, then by stamp; none where it is not known. */
  public List<String> versions(String task) {
    return tasks.getOrDefault(task, Map.of()).entrySet().stream()
        .sorted(NEWEST_FIRST)
        .map(Map.Entry::getKey)
        .toList();
  }

  /** The version that serves a task that is known. */
  public String activeVersion(String task) {
    Map<String, Long> stamps = Objects.requireNonNull(tasks.get(task), task);
    return Collections.min(stamps.entrySet(), NEWEST_FIRST).getKey();
  }

  /** Every version of every task. */
  public Set<String> versionIds() {
    Set<String> ids = new HashSet<>();
    tasks.values().forEach(stamps -> ids.addAll(stamps.keySet()));
    return ids;
  }

  /** A task's contributions; none where there are none. */
  public Set<String> contributionsTo(String task) {
    return contributions.getOrDefault(task, Map.of()).keySet();
  }

  /** Every contribution to every task. */
  public Set<String> contributionIds() {
    Set<String> ids = new HashSet<>();
    contributions.values().forEach(stamps -> ids.addAll(stamps.keySet()));
    return ids;
  }

  /** Every file that must be stored: versions and contributions. */
  public Set<String> fileIds() {
    Set<String> ids = versionIds();
    ids.addAll(contributionIds());
    return ids;
  }

  /** The same content under another epoch. */
  public Manifest at(long newEpoch) {
    return new Manifest(newEpoch, tasks, contributions, forgotten);
  }

  /** Whether both say the same of all files; their epochs may differ. */
  public boolean sameContent(Manifest other) {
    return tasks.equals(other.tasks)
        && contributions.equals(other.contributions)
        && forgotten.equals(other.forgotten);
  }

  /**
   * What both know. Its epoch is that of the side that knew all of it already and is ahead;
   * otherwise it is a new one, above both: one epoch never means two contents.
   */
  public Manifest union(Manifest other) {
    Map<String, Long> marks = new HashMap<>(forgotten);
    other.forgotten.forEach((id, stamp) -> marks.merge(id, stamp, Math::max));
    Map<String, Map<String, Long>> versions = union(tasks, other.tasks, marks);
    Map<String, Map<String, Long>> sums = union(contributions, other.contributions, marks);
    versions.values().forEach(stamps -> marks.keySet().removeAll(stamps.keySet()));
    sums.values().forEach(stamps -> marks.keySet().removeAll(stamps.keySet()));
    long highest = Math.max(epoch, other.epoch);
    Manifest union = new Manifest(highest, versions, sums, marks);
    boolean mine = union.sameContent(this) && (epoch > other.epoch || sameContent(other));
    boolean theirs = union.sameContent(other) && (other.epoch > epoch || sameContent(other));
    return mine || theirs ? union : union.at(highest + 1);
  }

  /** Per file the higher stamp, unless the mark of its deletion is higher. */
  private static Map<String, Map<String, Long>> union(
      Map<String, Map<String, Long>> one,
      Map<String, Map<String, Long>> other,
      Map<String, Long> marks) {
    Map<String, Map<String, Long>> all = new TreeMap<>();
    for (Map<String, Map<String, Long>> side : List.of(one, other)) {
      side.forEach(
          (task, stamps) ->
              stamps.forEach(
                  (id, stamp) ->
                      all.computeIfAbsent(task, name -> new HashMap<>())
                          .merge(id, stamp, Math::max)));
    }
    for (Map<String, Long> stamps : all.values()) {
      stamps.entrySet().removeIf(file -> marks.getOrDefault(file.getKey(), 0L) > file.getValue());
    }
    all.values().removeIf(Map::isEmpty);
    return all;
  }

  /** Whether a pool at the other manifest can move to this one and lose nothing. */
  public boolean covers(Manifest other) {
    return union(other).equals(this);
  }

  /** SHA-256 of all of it, in hexadecimal: equal where two members are at the same state. */
  public String digest() {
    String text = epoch + "\n" + tasks + "\n" + contributions + "\n" + forgotten;
    return TaskVersionFile.versionId(text.getBytes(StandardCharsets.UTF_8));
  }
}
