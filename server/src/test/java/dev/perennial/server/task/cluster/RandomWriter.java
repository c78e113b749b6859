package dev.perennial.server.task.cluster;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Contribution;
import dev.perennial.server.task.ContributionFile;
import dev.perennial.server.task.Contributions;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersions;
import dev.perennial.server.task.cluster.FakeNetwork.Machine;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Changes tasks of its own at members as they come, one change after the other, and keeps what must
 * hold of them afterwards. What failed may hold or not. Used by one thread, then by the test's.
 */
final class RandomWriter implements Runnable {
  private static final int TASKS = 3;

  /** What was acknowledged of one task. */
  private static final class Told {
    private final String task;
    private final Map<String, Long> versions = new HashMap<>();
    private final Map<String, Long> contributions = new HashMap<>();

    /** Versions of which a change failed: it may come to be yet, wherever it was under way. */
    private final Set<String> unsure = new HashSet<>();

    /** What a deletion had seen: it stays away. */
    private final Set<String> gone = new HashSet<>();

    /** The version that serves; null where a change failed, or had not seen those before it. */
    private @Nullable String active;

    private long seed;

    Told(String task) {
      this.task = task;
    }
  }

  private interface Change {
    void make(ClusterPool member);
  }

  private final String name;
  private final FakeNetwork network;
  private final List<String> names;
  private final Random random;
  private final List<Told> told = new ArrayList<>();
  private final List<Told> used = new ArrayList<>();
  private final List<String> wrong = new ArrayList<>();
  private volatile boolean writing = true;
  private int next;
  private int acknowledged;

  RandomWriter(String name, FakeNetwork network, List<String> names, long seed) {
    this.name = name;
    this.network = network;
    this.names = names;
    this.random = new Random(seed);
  }

  void stop() {
    writing = false;
  }

  @Override
  public void run() {
    while (writing) {
      write();
    }
  }

  private void write() {
    if (used.isEmpty() || (used.size() < TASKS && random.nextInt(3) == 0)) {
      Told fresh = new Told(name + "-" + next++);
      told.add(fresh);
      used.add(fresh);
    }
    Told task = used.get(random.nextInt(used.size()));
    switch (random.nextInt(10)) {
      case 0, 1, 2 -> activate(task);
      case 3 -> contribute(task);
      case 4 -> withdraw(task);
      case 5 -> delete(task);
      default -> publish(task);
    }
  }

  /** Makes the change at some member; returns what that has afterwards, null where it failed. */
  private @Nullable Manifest change(Told task, List<Manifest> before, Change change) {
    Machine machine = network.get(names.get(random.nextInt(names.size())));
    TaskPool pool = machine.pool();
    ClusterPool member = machine.member();
    before.add(pool.manifest());
    try {
      change.make(member);
    } catch (ServingException e) {
      if (e.reason().equals("MEMBER_FAILED")) { // by an exception that nobody expected
        wrong.add("change of " + task.task + ": " + e);
      }
      return null;
    }
    acknowledged++;
    return pool.manifest();
  }

  private void publish(Told task) {
    TaskVersion version = TaskVersions.random(task.task, task.seed++);
    String id = TaskVersions.id(version);
    List<Manifest> before = new ArrayList<>();
    String active = task.active;
    task.active = null;
    Manifest after = change(task, before, member -> member.publish(version));
    if (after == null) {
      task.unsure.add(id);
      return;
    }
    Long stamp = after.tasks().getOrDefault(task.task, Map.of()).get(id);
    if (stamp == null) {
      wrong.add("published, but not at the member that said so: " + task.task + " " + id);
      return;
    }
    boolean first = task.versions.isEmpty() && active == null && task.seed == 1;
    if (first || (active != null && sees(before.get(0), task))) {
      task.active = id;
    }
    task.versions.put(id, stamp);
  }

  /** Whether a manifest has all that was acknowledged of a task's versions. */
  private static boolean sees(Manifest manifest, Told task) {
    Map<String, Long> stamps = manifest.tasks().getOrDefault(task.task, Map.of());
    return task.versions.entrySet().stream()
        .allMatch(version -> stamps.getOrDefault(version.getKey(), 0L) >= version.getValue());
  }

  private void activate(Told task) {
    if (task.versions.isEmpty()) {
      return;
    }
    List<String> ids = List.copyOf(task.versions.keySet());
    String id = ids.get(random.nextInt(ids.size()));
    List<Manifest> before = new ArrayList<>();
    String active = task.active;
    task.active = null;
    Manifest after = change(task, before, member -> member.activate(task.task, id));
    if (after == null) {
      task.unsure.add(id);
      return;
    }
    Long stamp = after.tasks().getOrDefault(task.task, Map.of()).get(id);
    if (stamp == null) {
      wrong.add("rolled back, but not at the member that said so: " + task.task + " " + id);
      return;
    }
    task.versions.merge(id, stamp, Math::max);
    if (active != null && sees(before.get(0), task)) {
      task.active = id;
    }
  }

  private void contribute(Told task) {
    Contribution contribution =
        Contributions.random(task.task, Math.max(0, task.seed - 1), name + random.nextLong());
    String id = Contributions.id(contribution);
    byte[] bytes = ContributionFile.write(contribution);
    Manifest after =
        change(task, new ArrayList<>(), member -> member.contribute(ByteBuffer.wrap(bytes)));
    if (after == null) {
      return;
    }
    Long stamp = after.contributions().getOrDefault(task.task, Map.of()).get(id);
    if (stamp == null) {
      wrong.add("contributed, but not at the member that said so: " + task.task + " " + id);
    } else {
      task.contributions.put(id, stamp);
    }
  }

  private void withdraw(Told task) {
    if (task.contributions.isEmpty()) {
      return;
    }
    String id = task.contributions.keySet().iterator().next();
    task.contributions.remove(id); // may be gone from now on
    Manifest after = change(task, new ArrayList<>(), member -> member.withdraw(task.task, id));
    if (after != null) {
      task.gone.add(id);
    }
  }

  private void delete(Told task) {
    if (task.versions.isEmpty()) {
      return;
    }
    List<Manifest> before = new ArrayList<>();
    used.remove(task);
    task.active = null;
    Map<String, Long> versions = Map.copyOf(task.versions);
    task.versions.clear();
    task.contributions.clear();
    Manifest after = change(task, before, member -> member.delete(task.task));
    if (after == null) {
      return;
    }
    Map<String, Long> seen = before.get(0).tasks().getOrDefault(task.task, Map.of());
    seen.forEach(
        (id, stamp) -> {
          if (!task.unsure.contains(id) && stamp >= versions.getOrDefault(id, 0L)) {
            task.gone.add(id);
          }
        });
    task.gone.addAll(before.get(0).contributionsTo(task.task));
  }

  /** What does not hold of what was acknowledged. */
  List<String> wrong(Manifest all) {
    List<String> found = new ArrayList<>(wrong);
    Set<String> there = all.fileIds();
    for (Told task : told) {
      require(found, task, "version", task.versions, all.tasks().getOrDefault(task.task, Map.of()));
      require(
          found,
          task,
          "contribution",
          task.contributions,
          all.contributions().getOrDefault(task.task, Map.of()));
      task.gone.stream()
          .filter(there::contains)
          .forEach(id -> found.add(task.task + ": deleted, and back: " + id));
      if (task.active != null
          && all.tasks().containsKey(task.task)
          && !all.activeVersion(task.task).equals(task.active)) {
        found.add(task.task + ": serves " + all.versions(task.task) + " not " + task.active);
      }
    }
    return found;
  }

  private static void require(
      List<String> found,
      Told task,
      String kind,
      Map<String, Long> expected,
      Map<String, Long> stamps) {
    expected.forEach(
        (id, stamp) -> {
          if (stamps.getOrDefault(id, 0L) < stamp) {
            found.add(
                "%s: %s %s of epoch %d is lost: %s"
                    .formatted(task.task, kind, id, stamp, stamps.get(id)));
          }
        });
  }

  int acknowledged() {
    return acknowledged;
  }
}
