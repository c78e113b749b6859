package dev.perennial.server.task;

import dev.perennial.server.gaussian.TaskGaussian;

/** A task as it serves: its active version, with its Gaussian ready. Immutable. */
public record ActiveTask(
    String name, String versionId, TaskVersion version, TaskGaussian gaussian) {

  static ActiveTask of(String versionId, TaskVersion version) {
    return new ActiveTask(
        version.task(), versionId, version, new TaskGaussian(version.statistics(), version.gate()));
  }
}
