package dev.perennial.server.grpc;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.ContributionSummary;
import dev.perennial.server.task.TaskHistory;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.VersionSummary;
import dev.perennial.v1.ClassExamples;
import dev.perennial.v1.Contribution;
import dev.perennial.v1.Gate;
import dev.perennial.v1.Recipe;
import dev.perennial.v1.Task;
import dev.perennial.v1.TaskVersion;
import dev.perennial.v1.TrainingOptions;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/** Tasks and their versions as messages. */
final class TaskMessages {
  private TaskMessages() {}

  /** Empty where the task was deleted in the meantime. */
  static Optional<Task> task(TaskPool pool, String name) {
    try {
      return Optional.of(task(pool.history(name)));
    } catch (ServingException e) {
      if (e.code() == ErrorCode.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  static Task task(TaskHistory history) {
    Task.Builder task =
        Task.newBuilder().setName(history.task()).setActiveVersionId(history.activeVersionId());
    history
        .versions()
        .forEach(
            version ->
                task.addVersions(
                    version(version, history.stamps().getOrDefault(version.versionId(), 0L))));
    history
        .contributions()
        .forEach(contribution -> task.addContributions(contribution(history, contribution)));
    return task.build();
  }

  private static Contribution contribution(TaskHistory history, ContributionSummary contribution) {
    String id = contribution.contributionId();
    Contribution.Builder message =
        Contribution.newBuilder()
            .setContributionId(id)
            .setRequestId(contribution.requestId())
            .setEpoch(history.stamps().getOrDefault(id, 0L))
            .setExamples(contribution.examples())
            .setCounted(history.counted().contains(id));
    for (int i = 0; i < contribution.classNames().size(); i++) {
      message.addClasses(
          ClassExamples.newBuilder()
              .setClassName(contribution.classNames().get(i))
              .setExamples(contribution.examplesOf().get(i)));
    }
    return message.build();
  }

  private static TaskVersion version(VersionSummary version, long activatedEpoch) {
    TaskVersion.Builder message =
        TaskVersion.newBuilder()
            .setVersionId(version.versionId())
            .setTask(version.task())
            .addAllClassNames(version.classNames())
            .setTemplate(version.template())
            .setCreateTime(JobMessages.timestamp(version.created()))
            .setOptions(options(version.options()).setSeed(version.seed()))
            .setBackboneFingerprint(version.backboneFingerprint())
            .setExamples(version.examples())
            .setParameters(version.parameters())
            .setActivatedEpoch(activatedEpoch);
    Double before = version.metrics().get("validation_accuracy_before");
    if (before != null) {
      message.setValidationAccuracyBefore(before.floatValue());
    }
    Double after = version.metrics().get("validation_accuracy");
    if (after != null) {
      message.setValidationAccuracy(after.floatValue());
    }
    return message.build();
  }

  /** A version's options are strings under the names of the message's fields. */
  private static TrainingOptions.Builder options(Map<String, String> options) {
    TrainingOptions.Builder message = TrainingOptions.newBuilder();
    read(options, "recipe", name -> Recipe.valueOf("RECIPE_" + name), message::setRecipe);
    read(options, "gate", name -> Gate.valueOf("GATE_" + name), message::setGate);
    read(options, "depth", Integer::valueOf, message::setDepth);
    read(options, "prefix_length", Integer::valueOf, message::setPrefixLength);
    read(options, "epochs", Integer::valueOf, message::setEpochs);
    read(options, "batch_size", Integer::valueOf, message::setBatchSize);
    read(options, "learning_rate", Float::valueOf, message::setLearningRate);
    read(options, "validation_share", Float::valueOf, message::setValidationShare);
    return message;
  }

  private static <T> void read(
      Map<String, String> options, String name, Function<String, T> parse, Consumer<T> set) {
    String value = options.get(name);
    if (value != null) {
      set.accept(parse.apply(value));
    }
  }
}
