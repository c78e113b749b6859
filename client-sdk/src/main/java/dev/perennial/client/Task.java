package dev.perennial.client;

import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;

/**
 * One learned domain. Immutable.
 *
 * @param activeVersionId the version that serves
 * @param versions all of them, newest first
 */
public record Task(String name, String activeVersionId, List<Version> versions) {
  public Task {
    versions = List.copyOf(versions);
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
        message.getVersionsList().stream().map(Task::version).toList());
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
