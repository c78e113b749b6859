package dev.perennial.server.task;

import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * What a version's file says beside its tensors: enough to list and to choose, small enough to keep
 * for every version. Immutable; safe for any thread.
 *
 * @param examples rows behind its Gaussian
 * @param parameters learned numbers in both towers
 */
public record VersionSummary(
    String versionId,
    String task,
    List<String> classNames,
    String template,
    Map<String, String> options,
    Map<String, Double> metrics,
    long seed,
    String backboneFingerprint,
    Instant created,
    long examples,
    long parameters) {

  static VersionSummary of(String versionId, TaskVersion version) {
    return new VersionSummary(
        versionId,
        version.task(),
        version.classNames(),
        version.template(),
        version.options(),
        version.metrics(),
        version.seed(),
        version.backboneFingerprint(),
        version.created(),
        version.statistics().count(),
        version.prefixes().parameterCount());
  }
}
