package dev.perennial.server.device;

import static dev.perennial.server.device.GridSegment.NEGLIGIBLE_GATE_WEIGHT;
import static dev.perennial.server.device.ServedPool.FROZEN_VERSION;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.Route;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One image to classify, and how far it has come: bound to a pool (labels known), routed (frozen
 * features known), done with its passes (features known). Binding it to another pool keeps the
 * frozen features, and everything else that is still right.
 */
final class ClassifyRow extends Row {
  final ImageQuery query;
  final CompletableFuture<Classification> future = new CompletableFuture<>();

  /** Times that the pool changed after it was routed. */
  int reroutes;

  private final Candidates candidates;
  private @Nullable ServedPool pool;
  private @Nullable LabelSet labels;
  private float @Nullable [] frozen;
  private float @Nullable [] features;
  private @Nullable Route route;
  private String versionId = FROZEN_VERSION;
  private float gateWeight;

  ClassifyRow(ImageQuery query, Candidates candidates, long queuedNanos, DeviceCounters counters) {
    super(query.source(), query.deadlineNanos(), queuedNanos, counters);
    this.query = query;
    this.candidates = candidates;
  }

  /** Binds it to the pool that is served now; throws NOT_FOUND, FAILED_PRECONDITION. */
  @SuppressWarnings("ReferenceEquality") // one object per installation; comparing pools is dear
  void bind(ServedPool current, KnownLabels knownLabels) {
    if (pool == current) {
      return;
    }
    boolean rerouted = frozen != null;
    pool = current;
    labels = knownLabels.resolve(candidates, current.snapshot());
    if (rerouted) {
      reroutes++;
      String oldVersionId = versionId;
      float oldGateWeight = gateWeight;
      boolean hadFeatures = features != null;
      float[] oldFeatures = features;
      route();
      if (hadFeatures && versionId.equals(oldVersionId) && gateWeight == oldGateWeight) {
        features = oldFeatures;
      }
    }
  }

  /** Pass one is done. */
  void frozenFeatures(float[] values) {
    frozen = values;
    route();
  }

  /** Pass two is done. */
  void adaptedFeatures(float[] values) {
    features = values;
  }

  /** Decides task and weight from the frozen features: DIKI section 3.3, per image. */
  private void route() {
    ServedPool bound = Objects.requireNonNull(pool);
    float[] values = Objects.requireNonNull(frozen);
    route = bound.snapshot().route(values, 0);
    if (route == null || (float) route.gateWeight() <= NEGLIGIBLE_GATE_WEIGHT) {
      versionId = FROZEN_VERSION;
      gateWeight = 0;
      features = values;
    } else {
      versionId = bound.snapshot().tasks().get(route.slot()).versionId();
      gateWeight = (float) route.gateWeight();
      features = null;
    }
  }

  boolean firstPassDone() {
    return frozen != null;
  }

  boolean passesDone() {
    return features != null;
  }

  boolean skippedSecondPass() {
    return features == frozen;
  }

  /** The version whose branch answers, or {@link ServedPool#FROZEN_VERSION}. */
  String versionId() {
    return versionId;
  }

  /** w as it is applied: 0 where it is negligible. */
  float gateWeight() {
    return gateWeight;
  }

  LabelSet labels() {
    return Objects.requireNonNull(labels);
  }

  /** Answers, from features that are done. */
  void complete(LabelFeatures labelFeatures, float logitScale) {
    ServedPool bound = Objects.requireNonNull(pool);
    LabelFeatures.Scores scores =
        labelFeatures.score(
            Objects.requireNonNull(features), GridSegment.of(gateWeight).share(), logitScale);
    future.complete(
        new Classification(
            labelFeatures.labels(),
            scores.probabilities(),
            scores.logits(),
            routing(bound),
            bound.epoch()));
  }

  private Classification.@Nullable Routing routing(ServedPool bound) {
    if (route == null) {
      return null;
    }
    ActiveTask task = bound.snapshot().tasks().get(route.slot());
    return new Classification.Routing(
        task.name(), task.versionId(), (float) route.gateWeight(), route.logDensity(), route.z());
  }

  @Override
  CompletableFuture<?> future() {
    return future;
  }
}
