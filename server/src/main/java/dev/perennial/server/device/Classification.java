package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
import org.jspecify.annotations.Nullable;

/**
 * An answer.
 *
 * @param probabilities per label, in the set's order
 * @param logits per label, in the set's order
 * @param routing null while there is no task
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record Classification(
    LabelSet labels, float[] probabilities, float[] logits, @Nullable Routing routing, long epoch) {
  /** The task and weight that the answer was computed with. */
  public record Routing(
      String task, String versionId, float gateWeight, double logDensity, double z) {}
}
