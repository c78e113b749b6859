package dev.perennial.server.eval;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A method without a model: right about every picture of a task that it has learnt, and always says
 * label 0 about others; 90 and 50 percent sure. Its options' learning rate may make it fail.
 */
final class ScriptedMethod implements Method {
  /** Tasks learnt by all of them, for counting what was done again. */
  static final class Count {
    final AtomicInteger learnt = new AtomicInteger();

    /** The learning at which one fails; -1 for never. */
    volatile int failAt = -1;

    MethodKind kind(String name, String family) {
      return new MethodKind(
          name,
          "a test",
          family,
          (options, model) -> {
            boolean gated = options.number("gated", 0, 0, 1) > 0;
            return bench -> new ScriptedMethod(bench, this, gated);
          });
    }
  }

  private final Bench bench;
  private final Count count;
  private final boolean gated;
  private int learnt;

  private ScriptedMethod(Bench bench, Count count, boolean gated) {
    this.bench = bench;
    this.count = count;
    this.gated = gated;
  }

  @Override
  public Learned learn(EvalTask task, Progress progress) {
    progress.at(0.5, "half");
    if (count.learnt.getAndIncrement() == count.failAt) {
      throw new IllegalStateException("scripted failure");
    }
    learnt++;
    return new Learned(10, task.train().size(), Duration.ofSeconds(2));
  }

  @Override
  public Answers answer(EvalTask task, LabelSpace labels) {
    boolean known = task.place() < learnt;
    int pictures = task.test().size();
    Answers.Guess[] answers = new Answers.Guess[pictures];
    for (int i = 0; i < pictures; i++) {
      answers[i] =
          known
              ? new Answers.Guess(labels.right()[task.test().classOf(i)], 0.9f)
              : new Answers.Guess(0, 0.5f);
    }
    if (!gated) {
      return Answers.of(answers);
    }
    @Nullable Integer chosen = learnt == 0 ? null : known ? task.place() : 0;
    int[] tasks = new int[pictures];
    float[] weights = new float[pictures];
    Arrays.fill(tasks, chosen == null ? -1 : chosen);
    Arrays.fill(weights, known ? 1 : 0.26f);
    return Answers.of(answers, tasks, weights);
  }

  @Override
  public void close() {
    if (learnt > bench.tasks().size()) {
      throw new IllegalStateException("learnt: " + learnt);
    }
  }

  /** The row of such a method. */
  static EvalRow row(Count count, String text) {
    String name = text.split(":", 2)[0];
    return EvalRow.parse(
        text, List.of(count.kind(name, name)), Map.of(), Pictures.ENGINE.directory().config());
  }
}
