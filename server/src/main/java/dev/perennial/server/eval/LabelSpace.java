package dev.perennial.server.eval;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a test set is asked: the labels to choose from, and which of them is right for each of the
 * task's classes. Immutable.
 *
 * @param labels one text a label; or several, where tasks share a class: its probability is then
 *     their sum
 * @param right per class of the task the place of its label
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record LabelSpace(LabelSet labels, int[] right) {
  /** Which labels a test picture may be given. */
  public enum Kind {
    /** The classes of its own task: MTIL. */
    TASK,
    /** The classes of all tasks, learnt or not, each in its own task's template: no hint at all. */
    UNION
  }

  /** The label spaces of all tasks, in their order. */
  static List<LabelSpace> of(Kind kind, List<EvalTask> tasks, Tokenizer tokenizer) {
    return switch (kind) {
      case TASK -> tasks.stream().map(task -> own(task, tokenizer)).toList();
      case UNION -> union(tasks, tokenizer);
    };
  }

  private static LabelSpace own(EvalTask task, Tokenizer tokenizer) {
    int[] right = new int[task.classNames().size()];
    Arrays.setAll(right, k -> k);
    return new LabelSpace(LabelSet.of(task.classNames(), task.template(), tokenizer), right);
  }

  private static List<LabelSpace> union(List<EvalTask> tasks, Tokenizer tokenizer) {
    Map<String, Integer> places = new LinkedHashMap<>();
    Set<String> texts = new LinkedHashSet<>();
    List<LabelSet.Prompt> prompts = new ArrayList<>();
    List<List<String>> unknownWords = new ArrayList<>();
    for (EvalTask task : tasks) {
      LabelSet own = own(task, tokenizer).labels();
      for (LabelSet.Prompt prompt : own.prompts()) {
        String name = own.labels().get(prompt.label());
        int place = places.computeIfAbsent(name, absent -> places.size());
        if (place == unknownWords.size()) {
          unknownWords.add(own.unknownWords().get(prompt.label()));
        }
        if (texts.add(place + " " + prompt.text())) {
          prompts.add(new LabelSet.Prompt(prompt.text(), place, prompt.tokens()));
        }
      }
    }
    LabelSet all = new LabelSet(List.copyOf(places.keySet()), prompts, unknownWords);
    return tasks.stream()
        .map(task -> new LabelSpace(all, right(task.classNames(), places)))
        .toList();
  }

  private static int[] right(List<String> classNames, Map<String, Integer> places) {
    int[] right = new int[classNames.size()];
    for (int k = 0; k < right.length; k++) {
      Integer place = places.get(classNames.get(k));
      if (place == null) {
        throw new IllegalStateException("class: " + classNames.get(k) + " (expected: a label)");
      }
      right[k] = place;
    }
    return right;
  }
}
