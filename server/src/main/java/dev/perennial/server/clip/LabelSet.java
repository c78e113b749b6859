package dev.perennial.server.clip;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Template;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Labels, and the texts that stand for them. A label may have several texts (a class that two tasks
 * share, each in its own template); its probability is then their sum. Immutable; equal by content,
 * with a hash that is computed once, for label sets are keys of caches.
 */
public final class LabelSet {
  /** Labels of one set. */
  public static final int MAX_LABELS = 10_000;

  /** UTF-16 characters of a label, and of a template. The text tower reads far fewer. */
  public static final int MAX_TEXT_LENGTH = 1_024;

  private static final String LABELS_FIELD = "label_set.explicit.labels";
  private static final String TEMPLATE_FIELD = "label_set.explicit.template";

  /** A text, its label's place, and its tokens. */
  public record Prompt(String text, int label, List<Integer> tokens) {}

  private final List<String> labels;
  private final List<Prompt> prompts;
  private final List<List<String>> unknownWords;
  private final int hash;

  /**
   * A set of any texts.
   *
   * @param labels distinct, in the caller's order
   * @param prompts the texts; every label has at least one
   * @param unknownWords per label the words that the model never saw
   */
  public LabelSet(List<String> labels, List<Prompt> prompts, List<List<String>> unknownWords) {
    this.labels = List.copyOf(labels);
    this.prompts = List.copyOf(prompts);
    this.unknownWords = List.copyOf(unknownWords);
    if (unknownWords.size() != labels.size()) {
      throw new IllegalArgumentException(
          "unknown words: of " + unknownWords.size() + " labels (expected: " + labels.size() + ")");
    }
    boolean[] named = new boolean[labels.size()];
    for (Prompt prompt : prompts) {
      named[prompt.label()] = true;
    }
    for (int i = 0; i < named.length; i++) {
      if (!named[i]) {
        throw new IllegalArgumentException("prompts of label " + i + ": 0 (expected: at least 1)");
      }
    }
    this.hash = 31 * this.labels.hashCode() + this.prompts.hashCode();
  }

  /**
   * One text per label. The one place that checks labels.
   *
   * @throws ServingException INVALID_ARGUMENT (fields of {@code label_set.explicit}) where labels
   *     or template cannot be used
   */
  public static LabelSet of(List<String> labels, String template, Tokenizer tokenizer) {
    check(labels);
    Template sentence = Template.checked(template, TEMPLATE_FIELD, MAX_TEXT_LENGTH);
    List<Prompt> prompts = new ArrayList<>(labels.size());
    List<List<String>> unknownWords = new ArrayList<>(labels.size());
    for (int i = 0; i < labels.size(); i++) {
      String text = sentence.with(labels.get(i));
      prompts.add(new Prompt(text, i, Arrays.stream(tokenizer.encode(text)).boxed().toList()));
      unknownWords.add(List.copyOf(tokenizer.unknownWords(labels.get(i))));
    }
    return new LabelSet(labels, prompts, unknownWords);
  }

  /**
   * The sets' labels in their order: one that several share is one label, with a prompt for each
   * different text.
   */
  public static LabelSet union(List<LabelSet> sets) {
    Map<String, Integer> places = new LinkedHashMap<>();
    Set<String> texts = new HashSet<>();
    List<Prompt> prompts = new ArrayList<>();
    List<Set<String>> unknownWords = new ArrayList<>();
    for (LabelSet set : sets) {
      for (Prompt prompt : set.prompts()) {
        String label = set.labels().get(prompt.label());
        int place = places.computeIfAbsent(label, absent -> places.size());
        if (place == unknownWords.size()) {
          unknownWords.add(new LinkedHashSet<>());
        }
        unknownWords.get(place).addAll(set.unknownWords().get(prompt.label()));
        if (texts.add(place + " " + prompt.text())) {
          prompts.add(new Prompt(prompt.text(), place, prompt.tokens()));
        }
      }
    }
    return new LabelSet(
        List.copyOf(places.keySet()), prompts, unknownWords.stream().map(List::copyOf).toList());
  }

  /** Some of the labels with their texts, in this set's order. */
  public LabelSet only(Predicate<String> wanted) {
    int[] places = new int[labels.size()];
    List<String> left = new ArrayList<>();
    List<List<String>> words = new ArrayList<>();
    for (int i = 0; i < places.length; i++) {
      places[i] = wanted.test(labels.get(i)) ? left.size() : -1;
      if (places[i] >= 0) {
        left.add(labels.get(i));
        words.add(unknownWords.get(i));
      }
    }
    List<Prompt> texts = new ArrayList<>();
    for (Prompt prompt : prompts) {
      if (places[prompt.label()] >= 0) {
        texts.add(new Prompt(prompt.text(), places[prompt.label()], prompt.tokens()));
      }
    }
    return new LabelSet(left, texts, words);
  }

  private static void check(List<String> labels) {
    if (labels.isEmpty() || labels.size() > MAX_LABELS) {
      throw ServingException.invalid(
          "LABEL_COUNT",
          LABELS_FIELD,
          "labels: " + labels.size() + " (expected: 1.." + MAX_LABELS + ")");
    }
    Map<String, Integer> places = new HashMap<>();
    for (int i = 0; i < labels.size(); i++) {
      String label = labels.get(i);
      if (label.isBlank()) {
        throw bad("BAD_LABEL", i, ServingException.quoted(label), "not blank");
      }
      if (label.length() > MAX_TEXT_LENGTH) {
        throw bad("BAD_LABEL", i, label.length() + " characters", "1.." + MAX_TEXT_LENGTH);
      }
      Integer earlier = places.putIfAbsent(label, i);
      if (earlier != null) {
        String value = ServingException.quoted(label) + ", as labels[" + earlier + "]";
        throw bad("DUPLICATE_LABEL", i, value, "distinct labels");
      }
    }
  }

  private static ServingException bad(String reason, int place, String value, String expected) {
    return ServingException.invalid(
        reason,
        LABELS_FIELD + "[" + place + "]",
        "label: " + value + " (expected: " + expected + ")");
  }

  /** Distinct, in the caller's order. */
  public List<String> labels() {
    return labels;
  }

  /** The texts; every label has at least one. */
  public List<Prompt> prompts() {
    return prompts;
  }

  /** Per label the words that the model never saw. */
  public List<List<String>> unknownWords() {
    return unknownWords;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof LabelSet that
            && hash == that.hash
            && labels.equals(that.labels)
            && prompts.equals(that.prompts)
            && unknownWords.equals(that.unknownWords));
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return labels.size() + " labels, " + prompts.size() + " prompts";
  }
}
