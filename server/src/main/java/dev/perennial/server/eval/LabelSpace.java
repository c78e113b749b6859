package dev.perennial.server.eval;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Tokenizer;
import java.util.Arrays;
import java.util.List;

/**
 * What a test set is asked: the labels to choose from, and which of them is right for each of the
 * task's classes. Immutable.
 *
 * @param labels one text a label; or several, where tasks share a class: its probability is then
 *     their sum
 * @param right per class of the task the place of its label, or {@link #NONE}
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record LabelSpace(Kind kind, LabelSet labels, int[] right) {
  /** No label is right: whatever is answered is wrong. */
  public static final int NONE = -1;

  /** Which labels a test picture may be given. */
  public enum Kind {
    /** The classes of its own task: MTIL. */
    TASK,
    /** The classes of all tasks, learnt or not, each in its own task's template: no hint at all. */
    UNION,
    /**
     * The classes learnt so far: pictures of the other tasks are of unknown domains, and the best
     * answer to them is one of low confidence. Their accuracy is 0, as is all before the first
     * task.
     */
    KNOWN
  }

  /**
   * The label spaces of all tasks, in their order.
   *
   * @param learnt how many tasks are; {@link Kind#KNOWN} needs one
   */
  static List<LabelSpace> of(Kind kind, List<EvalTask> tasks, int learnt, Tokenizer tokenizer) {
    List<LabelSet> own =
        tasks.stream()
            .map(task -> LabelSet.of(task.classNames(), task.template(), tokenizer))
            .toList();
    return switch (kind) {
      case TASK -> tasks.stream().map(task -> space(kind, own.get(task.place()), task)).toList();
      case UNION -> together(kind, own, tasks);
      case KNOWN -> together(kind, own.subList(0, learnt), tasks);
    };
  }

  private static List<LabelSpace> together(Kind kind, List<LabelSet> sets, List<EvalTask> tasks) {
    LabelSet all = LabelSet.union(sets);
    return tasks.stream().map(task -> space(kind, all, task)).toList();
  }

  private static LabelSpace space(Kind kind, LabelSet labels, EvalTask task) {
    int[] right = task.classNames().stream().mapToInt(labels.labels()::indexOf).toArray();
    if (kind != Kind.KNOWN && Arrays.stream(right).anyMatch(place -> place == NONE)) {
      throw new IllegalStateException("classes of " + task.name() + " (expected: labels)");
    }
    return new LabelSpace(kind, labels, right);
  }
}
