package dev.perennial.client;

import dev.perennial.v1.AllKnownLabels;
import dev.perennial.v1.ExplicitLabels;
import dev.perennial.v1.LabelSet;
import java.util.List;

/** The labels that an image is compared with, and how many of them are answered. Immutable. */
public final class Labels {
  private final LabelSet message;
  private final int topK;

  private Labels(LabelSet message, int topK) {
    this.message = message;
    this.topK = topK;
  }

  /** These labels, whatever the server was taught: open vocabulary. */
  public static Labels of(List<String> labels) {
    return new Labels(
        LabelSet.newBuilder().setExplicit(ExplicitLabels.newBuilder().addAllLabels(labels)).build(),
        0);
  }

  /** These labels, whatever the server was taught: open vocabulary. */
  public static Labels of(String... labels) {
    return of(List.of(labels));
  }

  /** The classes of one task, in its template. */
  public static Labels ofTask(String task) {
    return new Labels(LabelSet.newBuilder().setTask(task).build(), 0);
  }

  /** The classes of every task, each in its task's template. */
  public static Labels allKnown() {
    return new Labels(
        LabelSet.newBuilder().setAllKnown(AllKnownLabels.getDefaultInstance()).build(), 0);
  }

  /**
   * The sentence around each label; only for labels of the caller's own.
   *
   * @param template contains "{}" once, as in "a photo of a {}"
   */
  public Labels template(String template) {
    if (!message.hasExplicit()) {
      throw new IllegalStateException("template: tasks have their own (expected: Labels.of)");
    }
    ExplicitLabels explicit = message.getExplicit().toBuilder().setTemplate(template).build();
    return new Labels(LabelSet.newBuilder().setExplicit(explicit).build(), topK);
  }

  /** Only the most probable are answered; 0 means all that the server answers, up to 1,000. */
  public Labels top(int count) {
    if (count < 0) {
      throw new IllegalArgumentException("top: " + count + " (expected: 0 or more)");
    }
    return new Labels(message, count);
  }

  LabelSet message() {
    return message;
  }

  int topK() {
    return topK;
  }
}
