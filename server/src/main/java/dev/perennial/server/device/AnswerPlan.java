package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
import java.util.List;
import java.util.Map;

/**
 * What one image's answer needs under one pool, decided from its frozen features: the branches that
 * the image passes, and the texts that it is compared with. Immutable.
 */
interface AnswerPlan {
  /** A label set's texts through a branch. */
  record Texts(LabelSet labels, Branch branch) {}

  /** Beside the frozen network, in the order in which they are run. */
  List<Branch> branches();

  /** In the order in which they are looked up. */
  List<Texts> texts();

  /**
   * The answer.
   *
   * @param features of the image: {@link Branch#FROZEN}'s and all {@link #branches}'
   * @param texts all {@link #texts}'
   */
  Classification answer(
      Map<Branch, float[]> features, Map<Texts, LabelFeatures> texts, float logitScale);
}
