package dev.perennial.server.grpc;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.device.Candidates;
import dev.perennial.server.error.ServingException;
import dev.perennial.v1.ExplicitLabels;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Label sets of the wire, checked. Explicit ones are cut into tokens on the decode pool: 10,000
 * labels would hold up an event loop. Stateless; safe for any thread.
 */
final class LabelSets {
  static final int MAX_LABELS = 10_000;
  static final int MAX_LABEL_CHARS = 1_024;
  static final int MAX_TEMPLATE_CHARS = 1_024;
  static final String DEFAULT_TEMPLATE = "a photo of a {}";

  private final Tokenizer tokenizer;
  private final DecodePool pool;

  LabelSets(Tokenizer tokenizer, DecodePool pool) {
    this.tokenizer = tokenizer;
    this.pool = pool;
  }

  /** The candidates; fails with INVALID_ARGUMENT that names the field. */
  CompletableFuture<Candidates> candidates(dev.perennial.v1.LabelSet labels) {
    return switch (labels.getKindCase()) {
      case EXPLICIT -> explicit(labels.getExplicit());
      case TASK -> CompletableFuture.completedFuture(task(labels.getTask()));
      case ALL_KNOWN -> CompletableFuture.completedFuture(new Candidates.AllKnown());
      case KIND_NOT_SET -> throw missing();
    };
  }

  static ServingException missing() {
    return ServingException.invalid(
        "MISSING_LABEL_SET",
        "label_set",
        "label set: not set (expected: explicit, task or all_known, with the first request)");
  }

  private CompletableFuture<Candidates> explicit(ExplicitLabels labels) {
    return pool.submit(
        labels.getSerializedSize(),
        () -> {
          List<String> names = checkedLabels(labels.getLabelsList());
          String template = checkedTemplate(labels.getTemplate());
          return new Candidates.Explicit(LabelSet.of(names, template, tokenizer));
        });
  }

  private static Candidates task(String task) {
    if (task.isEmpty()) {
      throw ServingException.invalid(
          "EMPTY_TASK", "label_set.task", "task: empty (expected: a task's name)");
    }
    return new Candidates.TaskClasses(task);
  }

  private static List<String> checkedLabels(List<String> labels) {
    if (labels.isEmpty() || labels.size() > MAX_LABELS) {
      throw ServingException.invalid(
          "LABEL_COUNT",
          "label_set.explicit.labels",
          "labels: " + labels.size() + " (expected: 1.." + MAX_LABELS + ")");
    }
    Map<String, Integer> seen = new HashMap<>();
    for (int i = 0; i < labels.size(); i++) {
      String label = labels.get(i);
      if (label.isBlank() || label.length() > MAX_LABEL_CHARS) {
        throw bad(
            "BAD_LABEL",
            i,
            "length " + label.length() + (label.isBlank() ? ", blank" : ""),
            "1.." + MAX_LABEL_CHARS + " characters, not blank");
      }
      Integer before = seen.put(label, i);
      if (before != null) {
        throw bad(
            "DUPLICATE_LABEL", i, "'" + label + "', as labels[" + before + "]", "distinct labels");
      }
    }
    return List.copyOf(labels);
  }

  private static String checkedTemplate(String template) {
    if (template.isEmpty()) {
      return DEFAULT_TEMPLATE;
    }
    int place = template.indexOf("{}");
    if (place < 0
        || template.indexOf("{}", place + 2) >= 0
        || template.length() > MAX_TEMPLATE_CHARS) {
      throw ServingException.invalid(
          "BAD_TEMPLATE",
          "label_set.explicit.template",
          "template: '"
              + shortened(template)
              + "' (expected: {} once, at most "
              + MAX_TEMPLATE_CHARS
              + " characters)");
    }
    return template;
  }

  private static ServingException bad(String reason, int place, String value, String expected) {
    return ServingException.invalid(
        reason,
        "label_set.explicit.labels[" + place + "]",
        "label: " + shortened(value) + " (expected: " + expected + ")");
  }

  /** Long enough to be recognised, short enough for a header. */
  private static String shortened(String text) {
    int end = Math.min(text.length(), 100);
    return end == text.length() ? text : text.substring(0, end) + "…";
  }
}
