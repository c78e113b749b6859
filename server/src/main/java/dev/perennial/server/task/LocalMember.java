package dev.perennial.server.task;

import dev.perennial.server.task.ClusterView.Counters;
import dev.perennial.server.task.ClusterView.Device;
import dev.perennial.server.task.ClusterView.Member;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * This server as a member; and, where there is no cluster, the whole of one. What it serves with is
 * known later than its pool is. Safe for any thread.
 */
public final class LocalMember implements Cluster {
  private final TaskPool pool;
  private final String name;
  private final String software;
  private volatile String address = "";
  private volatile @Nullable Supplier<List<Device>> devices;

  public LocalMember(TaskPool pool, String name, String software) {
    this.pool = pool;
    this.name = name;
    this.software = software;
  }

  /** From now on, calls are answered. */
  public void serving(String grpcAddress) {
    address = grpcAddress;
  }

  /** From now on, there are devices. */
  public void devices(Supplier<List<Device>> stats) {
    devices = stats;
  }

  public String name() {
    return name;
  }

  public String software() {
    return software;
  }

  /** This member as it is now. */
  public Member member(
      String memberId,
      boolean coordinator,
      boolean ready,
      String trouble,
      Counters counters,
      boolean withVersions) {
    Manifest manifest = pool.manifest();
    Supplier<List<Device>> stats = devices;
    return new Member(
        memberId,
        name,
        address,
        software,
        coordinator,
        true,
        ready,
        trouble,
        manifest.epoch(),
        manifest.digest(),
        pool.snapshot().tasks().size(),
        manifest.versionIds().size(),
        withVersions ? sorted(manifest.versionIds()) : List.of(),
        manifest.contributionIds().size(),
        withVersions ? sorted(manifest.contributionIds()) : List.of(),
        stats == null ? List.of() : stats.get(),
        counters);
  }

  private static List<String> sorted(Set<String> ids) {
    return ids.stream().sorted().toList();
  }

  @Override
  public ClusterView describe(boolean withVersions) {
    return new ClusterView(List.of(member("local", true, true, "", Counters.NONE, withVersions)));
  }

  @Override
  public boolean ready() {
    return true;
  }

  @Override
  public AutoCloseable listen(Runnable changed) {
    return pool.listen(snapshot -> changed.run());
  }
}
