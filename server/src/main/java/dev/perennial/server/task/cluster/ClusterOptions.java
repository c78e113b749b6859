package dev.perennial.server.task.cluster;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;

/**
 * How long members wait for each other.
 *
 * @param change a change that is not decided by then fails
 * @param answer one request to one member
 * @param patience once a change is durable on enough disks, how long the other members are waited
 *     for before it is acknowledged without them
 * @param devices how long a member waits for its own devices before it answers that it has a new
 *     epoch
 * @param tend how often the coordinator looks after members that are behind
 * @param standStill after so long without a sign of life the others give a member up
 * @param startSize members that must be there before one that starts serves
 */
public record ClusterOptions(
    Duration change,
    Duration answer,
    Duration patience,
    Duration devices,
    Duration tend,
    Duration standStill,
    int startSize) {
  public static final ClusterOptions DEFAULT =
      new ClusterOptions(
          Duration.ofSeconds(30),
          Duration.ofSeconds(10),
          Duration.ofSeconds(3),
          Duration.ofSeconds(2),
          Duration.ofSeconds(1),
          Duration.ofSeconds(10),
          1);

  public ClusterOptions {
    if (startSize < 1 || startSize > 1_000) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT,
          "BAD_SETTING",
          "members to start with: " + startSize + " (expected: 1..1000)");
    }
  }

  /** The same for members that are given up, and that start, otherwise. */
  public ClusterOptions with(Duration newStandStill, int newStartSize) {
    return new ClusterOptions(change, answer, patience, devices, tend, newStandStill, newStartSize);
  }
}
