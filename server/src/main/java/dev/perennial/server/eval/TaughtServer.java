package dev.perennial.server.eval;

import dev.perennial.client.Classification;
import dev.perennial.client.Example;
import dev.perennial.client.Examples;
import dev.perennial.client.Image;
import dev.perennial.client.Labels;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.StreamingClassifier;
import dev.perennial.client.Task;
import dev.perennial.client.TrainingListener;
import dev.perennial.client.TrainingOptions;
import dev.perennial.client.TrainingSpec;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.data.LabelledPicture;
import dev.perennial.server.eval.data.TaskData;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A running server that is taught through {@code Train} and asked through {@code Classify}, image
 * bytes both ways. Used by one thread.
 */
public final class TaughtServer {
  private final PerennialClient client;
  private final TrainingOptions options;

  /** Asks and teaches through the client, which stays the caller's. */
  public TaughtServer(PerennialClient client, TrainingOptions options) {
    this.client = client;
    this.options = options;
  }

  /** Throws FAILED_PRECONDITION where the server already knows any of these tasks. */
  public void requireUnknown(Collection<String> names) {
    for (Task task : client.listTasks()) {
      if (names.contains(task.name())) {
        throw new ServingException(
            ErrorCode.FAILED_PRECONDITION,
            "TASK_KNOWN",
            "task " + task.name() + ": known to the server (expected: a server without it)");
      }
    }
  }

  /** Blocks until the task is learnt and served; fails where the server does. */
  public void teach(String name, TaskData data, TrainingListener listener) {
    List<Example> examples = new ArrayList<>();
    for (LabelledPicture picture : data.train()) {
      examples.add(
          new Example(
              Image.encoded(picture.picture().read()),
              data.classNames().get(picture.classIndex())));
    }
    client
        .train(
            TrainingSpec.of(name)
                .classNames(data.classNames())
                .template(data.template())
                .options(options),
            Examples.of(examples),
            listener)
        .await()
        .orThrow();
  }

  /** What the server says about a task. */
  public Task task(String name) {
    return client.getTask(name);
  }

  /** Unlearns the task. */
  public void forget(String name) {
    client.deleteTask(name);
  }

  /** The answers to pictures, in their order. */
  public List<Classification> classify(List<LabelledPicture> pictures, Labels labels) {
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    try (StreamingClassifier classifier = client.classifier(labels)) {
      for (LabelledPicture picture : pictures) {
        answers.add(classifier.send(Image.encoded(picture.picture().read())));
      }
    }
    return answers.stream().map(CompletableFuture::join).toList();
  }

  /** The best of a task's own labels for each of its test pictures. */
  public List<Classification> classify(TaskData data) {
    return classify(data.test(), Labels.of(data.classNames()).template(data.template()).top(1));
  }

  /** Share of right answers in percent, where the labels were the task's classes. */
  public static double accuracy(TaskData data, List<Classification> answers) {
    int right = 0;
    for (int i = 0; i < answers.size(); i++) {
      if (answers.get(i).best().labelIndex() == data.test().get(i).classIndex()) {
        right++;
      }
    }
    return 100.0 * right / answers.size();
  }
}
