package dev.perennial.server.device;

import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.server.scoring.UnionScoring;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One image to classify, and how far it has come: bound to a pool (labels known), planned (frozen
 * features known), through its branches (features known), its texts at hand. Binding it to another
 * pool keeps the frozen features, and those of branches that the new plan has too.
 */
final class ClassifyRow extends Row {
  final ImageQuery query;
  final CompletableFuture<Classification> future = new CompletableFuture<>();

  /** Times that the pool changed after it was planned. */
  int reroutes;

  private final Candidates candidates;
  private final Map<Branch, float[]> features = new HashMap<>();
  private final Map<AnswerPlan.Texts, LabelFeatures> texts = new HashMap<>();
  private @Nullable ServedPool pool;
  private @Nullable KnownLabels knownLabels;
  private @Nullable AnswerPlan plan;

  ClassifyRow(ImageQuery query, Candidates candidates, long queuedNanos, DeviceCounters counters) {
    super(query.source(), query.deadlineNanos(), queuedNanos, counters);
    this.query = query;
    this.candidates = candidates;
  }

  /** Binds it to the pool that is served now; throws NOT_FOUND, FAILED_PRECONDITION. */
  @SuppressWarnings("ReferenceEquality") // one object per installation; comparing pools is dear
  void bind(ServedPool current, KnownLabels labels) {
    if (pool == current) {
      return;
    }
    labels.resolve(candidates, current.snapshot());
    pool = current;
    knownLabels = labels;
    float[] frozen = features.get(Branch.FROZEN);
    if (frozen != null) {
      reroutes++;
      plan(frozen);
    }
  }

  /** Decides from the frozen features what the answer needs. */
  private void plan(float[] frozen) {
    ServedPool bound = Objects.requireNonNull(pool);
    KnownLabels labels = Objects.requireNonNull(knownLabels);
    AnswerPlan made =
        query.scoring().kind() == ScoringRule.Kind.DIKI
            ? DikiPlan.of(bound, labels.resolve(candidates, bound.snapshot()), frozen)
            : new UnionPlan(
                bound,
                labels,
                labels.question(candidates, bound.snapshot()),
                new UnionScoring(query.scoring().unlearntBias()),
                frozen);
    plan = made;
    texts.clear();
    features.keySet().removeIf(b -> !b.equals(Branch.FROZEN) && !made.branches().contains(b));
  }

  boolean firstPassDone() {
    return plan != null;
  }

  /** The branch that it passes next; null where it has passed all. */
  @Nullable Branch nextBranch() {
    if (plan == null) {
      return Branch.FROZEN;
    }
    for (Branch branch : plan.branches()) {
      if (!features.containsKey(branch)) {
        return branch;
      }
    }
    return null;
  }

  /** It has passed {@link #nextBranch}. */
  void passed(float[] values) {
    Branch branch = Objects.requireNonNull(nextBranch());
    features.put(branch, values);
    if (plan == null) {
      plan(values);
    }
  }

  boolean passesDone() {
    return nextBranch() == null;
  }

  /** The texts that it needs next; null where all are at hand. Only when its passes are done. */
  AnswerPlan.@Nullable Texts nextTexts() {
    for (AnswerPlan.Texts wanted : Objects.requireNonNull(plan).texts()) {
      if (!texts.containsKey(wanted)) {
        return wanted;
      }
    }
    return null;
  }

  /** Here are {@link #nextTexts}. */
  void texts(LabelFeatures values) {
    texts.put(Objects.requireNonNull(nextTexts()), values);
  }

  /** Answers, from features and texts that are there. */
  void complete(float logitScale) {
    future.complete(Objects.requireNonNull(plan).answer(features, texts, logitScale));
  }

  @Override
  CompletableFuture<?> future() {
    return future;
  }
}
