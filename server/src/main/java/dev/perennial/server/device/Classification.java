package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An answer.
 *
 * @param probabilities per label, in the set's order
 * @param logits per label, in the set's order
 * @param routing null while no task has a say
 * @param union why, under union scoring; null under DIKI's and while no task has a say
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record Classification(
    LabelSet labels,
    float[] probabilities,
    float[] logits,
    @Nullable Routing routing,
    @Nullable Union union,
    long epoch) {
  /** The task and weight that the answer was computed with. */
  public record Routing(
      String task, String versionId, float gateWeight, double logDensity, double z) {}

  /**
   * How the probabilities came about.
   *
   * @param gate g, how far the image belongs to a learnt domain
   * @param none the probability that it shows no learnt class
   * @param tasks those whose branch answered, most probable first
   */
  public record Union(double gate, double none, List<TaskShare> tasks) {}

  /**
   * One task's part.
   *
   * @param posterior the probability that the image is of its domain, among the tasks
   * @param known q, the probability that it shows one of the task's classes, not an unlearnt label
   */
  public record TaskShare(String task, String versionId, double posterior, double known) {}
}
