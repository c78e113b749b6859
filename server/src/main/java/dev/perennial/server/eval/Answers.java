package dev.perennial.server.eval;

import org.jspecify.annotations.Nullable;

/**
 * A method's answers to one test set, in the order of its pictures.
 *
 * @param labels per picture the place of the answer in the label space
 * @param confidences per picture the probability that the method itself gives its answer, in [0, 1]
 * @param tasks per picture the place of the task that it was given to, -1 where there was none;
 *     null where the method chooses no task
 * @param gateWeights per picture w in [0, 1]; null where the method has none
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record Answers(
    int[] labels, float[] confidences, int @Nullable [] tasks, float @Nullable [] gateWeights) {
  /** Checks that all speak of the same pictures. */
  public Answers {
    requireLength("confidences", confidences.length, labels.length);
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

  /** An answer to one picture: a label's place and its probability. */
  public record Guess(int label, float confidence) {
    /** The most probable label, the first of equals. */
    public static Guess best(float[] probabilities) {
      int highest = 0;
      for (int i = 1; i < probabilities.length; i++) {
        if (probabilities[i] > probabilities[highest]) {
          highest = i;
        }
      }
      return new Guess(highest, probabilities[highest]);
    }
  }

  /** Answers of a method without tasks to choose from. */
  public static Answers of(Guess[] guesses) {
    return of(guesses, null, null);
  }

  /**
   * Answers of a method that chooses a task, and perhaps a weight.
   *
   * @param tasks as {@link Answers#tasks}
   * @param gateWeights as {@link Answers#gateWeights}
   */
  public static Answers of(
      Guess[] guesses, int @Nullable [] tasks, float @Nullable [] gateWeights) {
    int[] labels = new int[guesses.length];
    float[] confidences = new float[guesses.length];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = guesses[i].label();
      confidences[i] = guesses[i].confidence();
    }
    return new Answers(labels, confidences, tasks, gateWeights);
  }
}
