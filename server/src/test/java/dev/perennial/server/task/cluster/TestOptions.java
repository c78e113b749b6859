package dev.perennial.server.task.cluster;

import java.time.Duration;

/** How long members of a test wait for each other. */
final class TestOptions {
  /** Not long: for tests in which some are silent. */
  static final ClusterOptions OPTIONS =
      new ClusterOptions(
          Duration.ofSeconds(10),
          Duration.ofSeconds(1),
          Duration.ofMillis(100),
          Duration.ofMillis(100),
          Duration.ofMillis(20),
          Duration.ofSeconds(30),
          1);

  /**
   * Where all answer: a change is acknowledged once every member has it, however long that takes.
   */
  static final ClusterOptions PATIENT =
      new ClusterOptions(
          OPTIONS.change(),
          Duration.ofMinutes(1),
          Duration.ofMinutes(1),
          OPTIONS.devices(),
          OPTIONS.tend(),
          OPTIONS.standStill(),
          OPTIONS.startSize());

  private TestOptions() {}
}
