package dev.perennial.server.grpc;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.device.Candidates;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Template;
import dev.perennial.v1.AllKnownLabels;
import dev.perennial.v1.ExplicitLabels;
import java.util.concurrent.CompletableFuture;

/**
 * Label sets of the wire. Explicit ones are checked and cut into tokens on the decode pool: 10,000
 * labels would hold up an event loop. Stateless; safe for any thread.
 */
final class LabelSets {
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
      case ALL_KNOWN -> allKnown(labels.getAllKnown());
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
    return pool.submit(labels.getSerializedSize(), () -> new Candidates.Explicit(labelSet(labels)));
  }

  private LabelSet labelSet(ExplicitLabels labels) {
    String template = labels.getTemplate().isEmpty() ? Template.DEFAULT : labels.getTemplate();
    return LabelSet.of(labels.getLabelsList(), template, tokenizer);
  }

  private CompletableFuture<Candidates> allKnown(AllKnownLabels labels) {
    if (labels.getExtraCount() == 0) {
      return CompletableFuture.completedFuture(new Candidates.AllKnown(null));
    }
    int count = labels.getExtraList().stream().mapToInt(ExplicitLabels::getLabelsCount).sum();
    if (count > LabelSet.MAX_LABELS) {
      throw ServingException.invalid(
          "LABEL_COUNT",
          "label_set.all_known.extra",
          "labels: " + count + " (expected: at most " + LabelSet.MAX_LABELS + ")");
    }
    return pool.submit(
        labels.getSerializedSize(),
        () ->
            new Candidates.AllKnown(
                LabelSet.union(labels.getExtraList().stream().map(this::labelSet).toList())));
  }

  private static Candidates task(String task) {
    if (task.isEmpty()) {
      throw ServingException.invalid(
          "EMPTY_TASK", "label_set.task", "task: empty (expected: a task's name)");
    }
    return new Candidates.TaskClasses(task);
  }
}
