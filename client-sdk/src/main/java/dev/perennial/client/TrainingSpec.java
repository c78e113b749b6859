package dev.perennial.client;

import java.util.List;
import java.util.UUID;

/** What is to be learnt, and how. Immutable. */
public final class TrainingSpec {
  private final dev.perennial.v1.TrainingSpec message;

  private TrainingSpec(dev.perennial.v1.TrainingSpec message) {
    this.message = message;
  }

  /**
   * A domain to learn, with a fresh request id.
   *
   * @param task 1 to 63 of a-z, 0-9, '-', '_', starting with a letter; an existing name gets a new
   *     version
   */
  public static TrainingSpec of(String task) {
    return new TrainingSpec(
        dev.perennial.v1.TrainingSpec.newBuilder()
            .setTask(task)
            .setRequestId(UUID.randomUUID().toString())
            .build());
  }

  /** The classes, in order; without them the labels of the examples, sorted. */
  public TrainingSpec classNames(List<String> classNames) {
    return new TrainingSpec(
        message.toBuilder().clearClassNames().addAllClassNames(classNames).build());
  }

  /**
   * The sentence around a class name, with "{}" once; the server's default is "a photo of a {}".
   */
  public TrainingSpec template(String template) {
    return new TrainingSpec(message.toBuilder().setTemplate(template).build());
  }

  /** The caller's own id: the same id never trains twice, whoever sends it and how often. */
  public TrainingSpec requestId(String requestId) {
    if (requestId.isEmpty() || requestId.length() > 128) {
      throw new IllegalArgumentException(
          "requestId: %d characters (expected: 1..128)".formatted(requestId.length()));
    }
    return new TrainingSpec(message.toBuilder().setRequestId(requestId).build());
  }

  /**
   * Trains nothing: the examples' statistics are added to those of the task, which must exist, as a
   * {@link Task.Contribution}. Template and options have no meaning then.
   */
  public TrainingSpec statisticsOnly() {
    return new TrainingSpec(message.toBuilder().setStatisticsOnly(true).build());
  }

  /** Hyper-parameters. */
  public TrainingSpec options(TrainingOptions options) {
    return new TrainingSpec(message.toBuilder().setOptions(options.message()).build());
  }

  /** The domain's name. */
  public String task() {
    return message.getTask();
  }

  /** Never empty. */
  public String requestId() {
    return message.getRequestId();
  }

  dev.perennial.v1.TrainingSpec message() {
    return message;
  }
}
