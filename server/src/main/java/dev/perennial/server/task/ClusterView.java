package dev.perennial.server.task;

import java.util.List;
import java.util.Objects;

/** What is known of all members at one moment. Immutable. */
public record ClusterView(List<Member> members) {
  public ClusterView {
    members = List.copyOf(members);
  }

  /**
   * A device of a member.
   *
   * @param inFlight requests queued or running
   */
  public record Device(String name, boolean healthy, long epoch, int inFlight) {}

  /**
   * A member.
   *
   * @param address where it answers gRPC calls
   * @param reachable whether it has answered; if not, all but the names is unknown
   * @param ready whether it serves the cluster's pool
   * @param trouble why it is behind, in UPPER_SNAKE_CASE; empty where it is not
   * @param epoch of its pool
   * @param digest of its manifest: members at the same state have the same
   * @param tasks that serve there
   * @param versions that are durable there
   * @param versionIds which, where they were asked for
   * @param contributions that are durable there
   * @param contributionIds which, where they were asked for; a member of an older version says
   *     nothing of them
   */
  public record Member(
      String memberId,
      String name,
      String address,
      String software,
      boolean coordinator,
      boolean reachable,
      boolean ready,
      String trouble,
      long epoch,
      String digest,
      int tasks,
      int versions,
      List<String> versionIds,
      int contributions,
      List<String> contributionIds,
      List<Device> devices,
      Counters counters) {
    public Member {
      contributionIds = Objects.requireNonNullElse(contributionIds, List.of());
    }

    /** A member that has not answered. */
    public static Member unreachable(String memberId, String why) {
      return new Member(
          memberId,
          "",
          "",
          "",
          false,
          false,
          false,
          why,
          0,
          "",
          0,
          0,
          List.of(),
          0,
          List.of(),
          List.of(),
          Counters.NONE);
    }
  }

  /**
   * What has happened since a member started.
   *
   * @param merges pools that it united with what only another member knew
   * @param rejected stale writes that it refused: manifests of former coordinators, changes by
   *     former owners of jobs, and changes asked of it after it had stood still
   * @param takeovers jobs that went on at another member, by its decision
   * @param changes publications, deletions, roll-backs, contributions and withdrawals that it
   *     decided as the coordinator
   * @param catchUps times that it brought a member that was new or behind up to date
   */
  public record Counters(long merges, long rejected, long takeovers, long changes, long catchUps) {
    public static final Counters NONE = new Counters(0, 0, 0, 0, 0);
  }
}
