package dev.perennial.client;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One learned domain. Immutable.
 *
 * @param activeVersionId the version that serves
 * @param versions all of them, newest first
 * @param contributions statistics that were added without training, the oldest first
 */
public record Task(
    String name, String activeVersionId, List<Version> versions, List<Contribution> contributions) {
  public Task {
    versions = List.copyOf(versions);
    contributions = List.copyOf(contributions);
  }

  /**
   * Statistics of further examples. The same upload sent twice is one contribution.
   *
   * @param contributionId SHA-256 of the contribution's file, in hexadecimal
   * @param requestId the upload's
   * @param epoch the pool's epoch from which on it is there
   * @param examplesOf per class that has examples here, sorted
   * @param counted whether the active version knows all its classes, so that it counts now
   */
  public record Contribution(
      String contributionId,
      String requestId,
      long epoch,
      long examples,
      SortedMap<String, Long> examplesOf,
      boolean counted) {
    public Contribution {
      examplesOf = Collections.unmodifiableSortedMap(new TreeMap<>(examplesOf));
    }
  }

  /**
   * One immutable result of training.
   *
   * @param versionId SHA-256 of the version's file, in hexadecimal
   * @param options how it was trained, every default filled in
   * @param backboneFingerprint SHA-256 over the weights of the model that it was trained on
   * @param examples behind its Gaussian
   * @param parameters learned, in both towers
   */
  public record Version(
      String versionId,
      String task,
      List<String> classNames,
      String template,
      Instant createTime,
      TrainingOptions options,
      String backboneFingerprint,
      long examples,
      long parameters,
      OptionalDouble validationAccuracyBefore,
      OptionalDouble validationAccuracy) {
    public Version {
      classNames = List.copyOf(classNames);
    }
  }

  static Task of(dev.perennial.v1.Task message) {
    return new Task(
        message.getName(),
        message.getActiveVersionId(),
        message.getVersionsList().stream().map(Task::version).toList(),
        message.getContributionsList().stream().map(Task::contribution).toList());
  }

  private static Contribution contribution(dev.perennial.v1.Contribution message) {
    SortedMap<String, Long> examplesOf = new TreeMap<>();
    message.getClassesList().forEach(c -> examplesOf.put(c.getClassName(), c.getExamples()));
    return new Contribution(
        message.getContributionId(),
        message.getRequestId(),
        message.getEpoch(),
        message.getExamples(),
        examplesOf,
        message.getCounted());
  }

  private static Version version(dev.perennial.v1.TaskVersion message) {
    return new Version(
        message.getVersionId(),
        message.getTask(),
        message.getClassNamesList(),
        message.getTemplate(),
        Messages.instant(message.getCreateTime()),
        TrainingOptions.of(message.getOptions()),
        message.getBackboneFingerprint(),
        message.getExamples(),
        message.getParameters(),
        message.hasValidationAccuracyBefore()
            ? OptionalDouble.of(message.getValidationAccuracyBefore())
            : OptionalDouble.empty(),
        message.hasValidationAccuracy()
            ? OptionalDouble.of(message.getValidationAccuracy())
            : OptionalDouble.empty());
  }
}
