package dev.perennial.server.training;

import dev.perennial.server.gaussian.GateKind;
import org.jspecify.annotations.Nullable;

/**
 * Hyper-parameters as a caller wishes them; null where the recipe and the model shall decide (see
 * {@link TrainingSpec#resolve}).
 */
public record TrainingOptions(
    TrainingSpec.@Nullable Recipe recipe,
    @Nullable GateKind gate,
    long seed,
    @Nullable Integer depth,
    @Nullable Integer prefixLength,
    @Nullable Integer epochs,
    @Nullable Integer batchSize,
    @Nullable Float learningRate,
    @Nullable Float validationShare) {

  /** Everything left to the recipe, seed 0. */
  public static final TrainingOptions DEFAULT =
      new TrainingOptions(null, null, 0, null, null, null, null, null, null);
}
