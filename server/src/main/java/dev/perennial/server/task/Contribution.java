package dev.perennial.server.task;

import static dev.perennial.server.task.Checks.require;

import dev.perennial.server.gaussian.FeatureStatistics;
import java.util.List;
import java.util.TreeSet;

/**
 * Statistics of further examples of a task, without training: they add to those of the version that
 * serves. Immutable; its id is the SHA-256 of its bytes (see {@link ContributionFile}). Safe for
 * any thread.
 *
 * <p>Nothing in it depends on a clock or a machine: the same examples under the same request are
 * the same contribution, wherever and however often they were sent, and count once.
 *
 * @param task the task that it adds to
 * @param requestId the caller's name for it
 * @param classNames of the task's classes those that have examples here, sorted; class k of the
 *     statistics
 * @param backboneFingerprint SHA-256 over the weights of the model that made the features
 */
public record Contribution(
    String task,
    String requestId,
    List<String> classNames,
    FeatureStatistics statistics,
    String backboneFingerprint)
    implements PoolFile {

  /** Throws IllegalArgumentException that names what does not fit. */
  public Contribution {
    classNames = List.copyOf(classNames);
    require(TaskVersion.isName(task), "task", task, "1 to 63 of a-z 0-9 - _, a letter first");
    require(!requestId.isBlank(), "request id", "blank", "some text");
    require(
        classNames.equals(List.copyOf(new TreeSet<>(classNames))),
        "class names",
        classNames,
        "sorted, each only once");
    require(
        statistics.classes() == classNames.size(),
        "classes of the statistics",
        statistics.classes(),
        classNames.size());
    require(statistics.count() > 0, "examples", statistics.count(), "at least 1");
    require(!backboneFingerprint.isBlank(), "backbone fingerprint", "blank", "a SHA-256");
  }
}
