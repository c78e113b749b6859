package dev.perennial.server.task;

import dev.perennial.server.gaussian.DiscriminantHead;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.gaussian.TaskGaussian;
import java.util.Set;
import java.util.TreeSet;

/**
 * A task as it serves: its active version and the contributions that count with it, with what is
 * derived from their statistics ready. A function of the version and of the sum of the statistics:
 * neither order nor split of the contributions shows. Immutable.
 *
 * @param contributions ids of those that count
 * @param statistics of the version and of these, added
 * @param gaussian under the version's own gate: DIKI's routing
 * @param domain the robust Gaussian, whatever the gate: where the task's images lie
 * @param head tells its classes apart
 */
public record ActiveTask(
    String name,
    String versionId,
    TaskVersion version,
    Set<String> contributions,
    FeatureStatistics statistics,
    TaskGaussian gaussian,
    TaskGaussian domain,
    DiscriminantHead head) {
  public ActiveTask {
    contributions = Set.copyOf(contributions);
  }

  /** The version alone. */
  public static ActiveTask of(String versionId, TaskVersion version) {
    return of(
        versionId,
        version,
        Set.of(),
        version.statistics(),
        version.gate(),
        domain(version),
        version.head());
  }

  /**
   * The version with contributions.
   *
   * @param statistics of the version and of these, added
   */
  static ActiveTask of(
      String versionId,
      TaskVersion version,
      Set<String> contributions,
      FeatureStatistics statistics) {
    if (contributions.isEmpty()) {
      return of(versionId, version);
    }
    FeatureStatistics own = version.statistics();
    GateConstants domain = domain(version).grown(own, statistics);
    GateConstants gate =
        version.gate().equals(domain(version)) ? domain : version.gate().grown(own, statistics);
    return of(
        versionId,
        version,
        new TreeSet<>(contributions),
        statistics,
        gate,
        domain,
        version.head().grown(own, statistics, domain));
  }

  private static GateConstants domain(TaskVersion version) {
    return new GateConstants(
        GateKind.ROBUST, version.head().meanLogDensity(), version.head().stdLogDensity());
  }

  private static ActiveTask of(
      String versionId,
      TaskVersion version,
      Set<String> contributions,
      FeatureStatistics statistics,
      GateConstants gate,
      GateConstants domain,
      HeadConstants head) {
    TaskGaussian gaussian = new TaskGaussian(statistics, gate);
    return new ActiveTask(
        version.task(),
        versionId,
        version,
        contributions,
        statistics,
        gaussian,
        domain.equals(gate) ? gaussian : new TaskGaussian(statistics, domain),
        new DiscriminantHead(statistics, head));
  }
}
