package dev.perennial.server.device;

import static dev.perennial.server.device.GridSegment.NEGLIGIBLE_GATE_WEIGHT;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.Route;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The article's answer: one softmax over the texts under the image's task and weight (DIKI, arXiv
 * 2407.05342, section 3.3, per image).
 */
record DikiPlan(ServedPool pool, LabelSet labels, @Nullable Route route, Branch branch)
    implements AnswerPlan {

  static DikiPlan of(ServedPool pool, LabelSet labels, float[] frozen) {
    Route route = pool.snapshot().route(frozen, 0);
    if (route == null || (float) route.gateWeight() <= NEGLIGIBLE_GATE_WEIGHT) {
      return new DikiPlan(pool, labels, route, Branch.FROZEN);
    }
    String versionId = pool.snapshot().tasks().get(route.slot()).versionId();
    return new DikiPlan(pool, labels, route, new Branch(versionId, (float) route.gateWeight()));
  }

  @Override
  public List<Branch> branches() {
    return branch.equals(Branch.FROZEN) ? List.of() : List.of(branch);
  }

  @Override
  public List<Texts> texts() {
    return List.of(new Texts(labels, branch));
  }

  @Override
  public Classification answer(
      Map<Branch, float[]> features, Map<Texts, LabelFeatures> texts, float logitScale) {
    LabelFeatures.Scores scores =
        Objects.requireNonNull(texts.get(new Texts(labels, branch)))
            .score(
                Objects.requireNonNull(features.get(branch)),
                GridSegment.of(branch.gateWeight()).share(),
                logitScale);
    return new Classification(
        labels, scores.probabilities(), scores.logits(), routing(), null, pool.epoch());
  }

  private Classification.@Nullable Routing routing() {
    if (route == null) {
      return null;
    }
    ActiveTask task = pool.snapshot().tasks().get(route.slot());
    return new Classification.Routing(
        task.name(), task.versionId(), (float) route.gateWeight(), route.logDensity(), route.z());
  }
}
