package dev.perennial.server.clip;

import java.util.List;

/**
 * Labels, and the texts that stand for them. A label may have several texts (a class that two tasks
 * share, each in its own template); its probability is then their sum. Immutable; equal by content.
 *
 * @param labels distinct, in the caller's order
 * @param prompts the texts; every label has at least one
 * @param unknownWords per label the words that the model never saw
 */
public record LabelSet(List<String> labels, List<Prompt> prompts, List<List<String>> unknownWords) {

  /** A text, its label's place, and its tokens. */
  public record Prompt(String text, int label, List<Integer> tokens) {}

  /** One text per label: the template with "{}" replaced. */
  public static LabelSet of(List<String> labels, String template, Tokenizer tokenizer) {
    throw new UnsupportedOperationException();
  }
}
