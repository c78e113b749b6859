package dev.perennial.server.task;

import dev.perennial.server.gaussian.DiscriminantHead;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.TaskGaussian;

/**
 * A task as it serves: its active version, with what is derived from its statistics ready.
 * Immutable.
 *
 * @param gaussian under the version's own gate: DIKI's routing
 * @param domain the robust Gaussian, whatever the gate: where the task's images lie
 * @param head tells its classes apart
 */
public record ActiveTask(
    String name,
    String versionId,
    TaskVersion version,
    TaskGaussian gaussian,
    TaskGaussian domain,
    DiscriminantHead head) {

  static ActiveTask of(String versionId, TaskVersion version) {
    TaskGaussian gaussian = new TaskGaussian(version.statistics(), version.gate());
    GateConstants own =
        new GateConstants(
            GateKind.ROBUST, version.head().meanLogDensity(), version.head().stdLogDensity());
    return new ActiveTask(
        version.task(),
        versionId,
        version,
        gaussian,
        own.equals(version.gate()) ? gaussian : new TaskGaussian(version.statistics(), own),
        new DiscriminantHead(version.statistics(), version.head()));
  }
}
