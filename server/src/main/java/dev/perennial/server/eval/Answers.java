package dev.perennial.server.eval;

import org.jspecify.annotations.Nullable;

/**
 * A method's answers to one test set, in the order of its pictures.
 *
 * @param labels per picture the place of the answer in the label space
 * @param tasks per picture the place of the task that it was given to, -1 where there was none;
 *     null where the method chooses no task
 * @param gateWeights per picture w in [0, 1]; null where the method has none
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record Answers(int[] labels, int @Nullable [] tasks, float @Nullable [] gateWeights) {
  /** Checks that all speak of the same pictures. */
  public Answers {
    requireLength("tasks", tasks == null ? labels.length : tasks.length, labels.length);
    requireLength(
        "gate weights", gateWeights == null ? labels.length : gateWeights.length, labels.length);
  }

  private static void requireLength(String what, int length, int expected) {
    if (length != expected) {
      throw new IllegalArgumentException(
          "%s: of %d pictures (expected: %d)".formatted(what, length, expected));
    }
  }

  /** Answers of a method without tasks to choose from. */
  public static Answers of(int[] labels) {
    return new Answers(labels, null, null);
  }

  /**
   * Answers of a method that chooses a task, and then is wholly of that task.
   *
   * @param tasks as {@link Answers#tasks}
   */
  public static Answers routed(int[] labels, int[] tasks) {
    return new Answers(labels, tasks, null);
  }
}
