package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
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
    if (frozen() != null) {
      reroutes++;
      plan();
    }
  }

  /** What it is asked under union scoring; null under DIKI's. Only where it is bound. */
  @Nullable Question unionQuestion() {
    return query.scoring().kind() == ScoringRule.Kind.DIKI
        ? null
        : Objects.requireNonNull(knownLabels).question(candidates, pool().snapshot());
  }

  /** What the frozen network made of it; null before its first pass. */
  float @Nullable [] frozen() {
    return features.get(Branch.FROZEN);
  }

  /** Decides from the frozen features what the answer needs. */
  void plan() {
    Question question = unionQuestion();
    float[] frozen = Objects.requireNonNull(frozen());
    if (question == null) {
      LabelSet labels = Objects.requireNonNull(knownLabels).resolve(candidates, pool().snapshot());
      plan(DikiPlan.of(pool(), labels, frozen));
    } else {
      plan(question, UnionRoute.of(pool().snapshot(), question.owners(), frozen));
    }
  }

  /** The same under union scoring, where its route is known. */
  void plan(Question question, @Nullable UnionRoute route) {
    UnionScoring scoring = new UnionScoring(query.scoring().unlearntBias());
    plan(new UnionPlan(pool(), Objects.requireNonNull(knownLabels), question, scoring, route));
  }

  private void plan(AnswerPlan made) {
    plan = made;
    texts.clear();
    features.keySet().removeIf(b -> !b.equals(Branch.FROZEN) && !made.branches().contains(b));
  }

  private ServedPool pool() {
    return Objects.requireNonNull(pool);
  }

  boolean firstPassDone() {
    return frozen() != null;
  }

  /** Whether it has passed the frozen network, and what follows is not decided yet. */
  boolean awaitsPlan() {
    return plan == null && firstPassDone();
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

  /** It has passed {@link #nextBranch}; after the frozen network it is to be planned. */
  void passed(float[] values) {
    features.put(Objects.requireNonNull(nextBranch()), values);
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
    Classification answer = Objects.requireNonNull(plan).answer(features, texts, logitScale);
    leave();
    future.complete(answer);
  }

  @Override
  CompletableFuture<?> future() {
    return future;
  }
}
