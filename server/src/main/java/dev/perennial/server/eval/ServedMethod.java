package dev.perennial.server.eval;

import dev.perennial.client.Classification;
import dev.perennial.client.Example;
import dev.perennial.client.Examples;
import dev.perennial.client.Image;
import dev.perennial.client.Labels;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.StreamingClassifier;
import dev.perennial.client.TrainingListener;
import dev.perennial.client.TrainingOptions;
import dev.perennial.client.TrainingSpec;
import dev.perennial.server.world.LabelledImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * The server itself as a method of the benchmark: teaches through {@code Train} and asks through
 * {@code Classify}, image bytes both ways. A question carries the domain's class list and template
 * but no hint of the domain. Used by one thread.
 */
public final class ServedMethod {
  private final PerennialClient client;
  private final TrainingOptions options;

  /** Asks and teaches through the client, which stays the caller's. */
  public ServedMethod(PerennialClient client, TrainingOptions options) {
    this.client = client;
    this.options = options;
  }

  /** Throws IllegalStateException where the server already knows one of the domains. */
  public void requireUnknown(List<Domain> domains) {
    Set<String> names = domains.stream().map(Domain::name).collect(Collectors.toSet());
    client
        .listTasks()
        .forEach(
            task -> {
              if (names.contains(task.name())) {
                throw new IllegalStateException(
                    "task "
                        + task.name()
                        + ": known to the server (expected: a server without it)");
              }
            });
  }

  /** Blocks until the domain is learnt and served; fails where the server does. */
  public void teach(Domain domain, TrainingListener listener) {
    List<Example> examples =
        domain.train().stream()
            .map(
                image ->
                    new Example(
                        Image.png(image.png()), domain.classNames().get(image.classIndex())))
            .toList();
    client
        .train(
            TrainingSpec.of(domain.name())
                .classNames(domain.classNames())
                .template(domain.template())
                .options(options),
            Examples.of(examples),
            listener)
        .await()
        .orThrow();
  }

  /** Unlearns the domain. */
  public void forget(Domain domain) {
    client.deleteTask(domain.name());
  }

  /** The answers to the domain's test images, in their order, best label only. */
  public List<Classification> classify(Domain domain) {
    Labels labels = Labels.of(domain.classNames()).template(domain.template()).top(1);
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    try (StreamingClassifier classifier = client.classifier(labels)) {
      for (LabelledImage image : domain.test()) {
        answers.add(classifier.send(Image.png(image.png())));
      }
    }
    return answers.stream().map(CompletableFuture::join).toList();
  }

  /** Share of right answers in percent. */
  public static double accuracy(Domain domain, List<Classification> answers) {
    int right = 0;
    for (int i = 0; i < answers.size(); i++) {
      if (answers.get(i).best().labelIndex() == domain.test().get(i).classIndex()) {
        right++;
      }
    }
    return 100.0 * right / answers.size();
  }
}
