package dev.perennial.client;

import java.util.List;

/**
 * One server of a cluster. Immutable.
 *
 * @param memberId new with every start
 * @param name chosen by whoever runs it
 * @param address where it answers calls, host:port
 * @param trouble why it is behind, in UPPER_SNAKE_CASE; empty where it is not
 * @param coordinator whether it decides the order of changes
 * @param epoch of its task pool
 * @param digest the same where two members are at the same state
 * @param tasks that serve there
 * @param versions task versions that are durable on its disk
 * @param versionIds which, where they were asked for
 * @param contributions of statistics that are durable on its disk
 * @param contributionIds which, where they were asked for
 * @param merges pools that it united with what only another member knew
 * @param rejectedWrites stale writes that it refused
 * @param takeovers jobs that went on at another member, by its decision as the coordinator
 * @param changes of the pool that it decided as the coordinator
 * @param catchUps times that it brought a member that was new or behind up to date
 */
public record ClusterMember(
    String memberId,
    String name,
    String address,
    String softwareVersion,
    State state,
    String trouble,
    boolean coordinator,
    long epoch,
    String digest,
    int tasks,
    int versions,
    List<String> versionIds,
    int contributions,
    List<String> contributionIds,
    List<Device> devices,
    long merges,
    long rejectedWrites,
    long takeovers,
    long changes,
    long catchUps) {
  public ClusterMember {
    versionIds = List.copyOf(versionIds);
    contributionIds = List.copyOf(contributionIds);
    devices = List.copyOf(devices);
  }

  /** Where a member stands. */
  public enum State {
    /** Serves the cluster's pool. */
    READY,
    /** Is catching up, or cannot. */
    BEHIND,
    /** Does not answer the member that was asked. */
    UNREACHABLE,
    /** A newer server says what this client does not know. */
    UNKNOWN
  }

  /**
   * One device of a member.
   *
   * @param epoch that it serves
   * @param inFlight requests queued or running
   */
  public record Device(String name, boolean healthy, long epoch, int inFlight) {}

  static ClusterMember of(dev.perennial.v1.Member message) {
    return new ClusterMember(
        message.getMemberId(),
        message.getName(),
        message.getAddress(),
        message.getSoftwareVersion(),
        switch (message.getState()) {
          case MEMBER_STATE_READY -> State.READY;
          case MEMBER_STATE_BEHIND -> State.BEHIND;
          case MEMBER_STATE_UNREACHABLE -> State.UNREACHABLE;
          default -> State.UNKNOWN;
        },
        message.getTrouble(),
        message.getCoordinator(),
        message.getEpoch(),
        message.getDigest(),
        message.getTasks(),
        message.getVersions(),
        message.getVersionIdsList(),
        message.getContributions(),
        message.getContributionIdsList(),
        message.getDevicesList().stream()
            .map(
                device ->
                    new Device(
                        device.getName(),
                        device.getHealthy(),
                        device.getEpoch(),
                        device.getInFlight()))
            .toList(),
        message.getMerges(),
        message.getRejectedWrites(),
        message.getTakeovers(),
        message.getChanges(),
        message.getCatchUps());
  }
}
