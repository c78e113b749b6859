package dev.perennial.server.scoring;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Which of a question's labels each task knows, by name, and which of them no task knows.
 * Immutable; safe for any thread.
 */
public final class LabelOwners {
  /** Stands for a class that is not among the labels. */
  public static final int ABSENT = -1;

  private final int labels;
  private final List<int[]> placeOfClass;
  private final int[] unlearnt;
  private final boolean[] knows;

  /**
   * From where each task's classes are among the labels.
   *
   * @param labels how many labels the question has
   * @param placeOfClass per task and class the class's place among the labels, or {@link #ABSENT};
   *     no place twice within a task
   */
  public LabelOwners(int labels, List<int[]> placeOfClass) {
    this.labels = labels;
    this.placeOfClass = placeOfClass.stream().map(int[]::clone).toList();
    this.knows = new boolean[placeOfClass.size()];
    boolean[] learnt = new boolean[labels];
    for (int task = 0; task < knows.length; task++) {
      for (int place : placeOfClass.get(task)) {
        if (place != ABSENT) {
          learnt[place] = true;
          knows[task] = true;
        }
      }
    }
    this.unlearnt = IntStream.range(0, labels).filter(place -> !learnt[place]).toArray();
  }

  /**
   * By name.
   *
   * @param classNames per task those of its classes
   */
  public static LabelOwners of(List<String> labels, List<List<String>> classNames) {
    Map<String, Integer> places = new HashMap<>();
    for (int i = 0; i < labels.size(); i++) {
      places.put(labels.get(i), i);
    }
    return new LabelOwners(
        labels.size(),
        classNames.stream()
            .map(names -> names.stream().mapToInt(n -> places.getOrDefault(n, ABSENT)).toArray())
            .toList());
  }

  /** How many labels the question has. */
  public int labels() {
    return labels;
  }

  /** How many tasks there are. */
  public int tasks() {
    return knows.length;
  }

  /** Per class of the task its place among the labels, or {@link #ABSENT}; not to be changed. */
  public int[] placeOfClass(int task) {
    return placeOfClass.get(task);
  }

  /** The places of the labels that no task knows, ascending; not to be changed. */
  public int[] unlearnt() {
    return unlearnt;
  }

  /**
   * What some of the labels, among them all unlearnt ones, have for the unlearnt.
   *
   * @param placeOfSome per one of them its place among the labels, ascending
   * @return per {@link #unlearnt} label its value
   */
  public double[] ofUnlearnt(int[] placeOfSome, float[] values) {
    double[] own = new double[unlearnt.length];
    for (int i = 0, u = 0; u < unlearnt.length; i++) {
      if (placeOfSome[i] == unlearnt[u]) {
        own[u++] = values[i];
      }
    }
    return own;
  }

  /**
   * The unlearnt ones' names.
   *
   * @param names of all labels
   */
  public Set<String> unlearntAmong(List<String> names) {
    return Arrays.stream(unlearnt).mapToObj(names::get).collect(Collectors.toUnmodifiableSet());
  }

  /** Whether every label is a class of some task. */
  public boolean allLearnt() {
    return unlearnt.length == 0;
  }

  /** Whether one of the labels is a class of the task. */
  public boolean knows(int task) {
    return knows[task];
  }

  /**
   * Whether the task can have a say: it knows one of the labels, or there are labels that no task
   * knows, which an image of its domain may show too.
   */
  public boolean considers(int task) {
    return knows[task] || unlearnt.length > 0;
  }

  @Override
  public String toString() {
    return labels
        + " labels, "
        + unlearnt.length
        + " unlearnt, known to tasks "
        + Arrays.toString(IntStream.range(0, knows.length).filter(task -> knows[task]).toArray());
  }
}
