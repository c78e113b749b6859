package dev.perennial.server.clip;

import dev.perennial.server.task.Prefixes;
import java.util.List;

/**
 * Both towers on one device. Not thread-safe: the thread that loads it owns it and every tensor
 * behind it; what goes in and out are arrays.
 */
public final class ClipModel implements AutoCloseable {
  /**
   * Loads the weights onto a device.
   *
   * @param device {@code cpu} or {@code cuda:N}
   */
  public static ClipModel load(ModelDirectory directory, String device, Precision precision) {
    throw new UnsupportedOperationException();
  }

  public ClipConfig config() {
    throw new UnsupportedOperationException();
  }

  public Precision precision() {
    throw new UnsupportedOperationException();
  }

  /** exp(logit_scale). */
  public float logitScale() {
    throw new UnsupportedOperationException();
  }

  /**
   * Uploads prefixes; slot i of the bank is tasks.get(i). Cheap where a task object was in the bank
   * before.
   */
  public PrefixBank bank(List<Prefixes> tasks) {
    throw new UnsupportedOperationException();
  }

  /**
   * L2-normalised image features, each row with its own task and weight.
   *
   * @param pixels per row (3, S, S)
   * @param slots per row the bank's slot; any value where the gate weight is 0
   * @param gateWeights per row w in [0, 1]; exactly 0 gives exactly the frozen features
   * @return (B, E) row by row
   */
  public float[] imageFeatures(
      List<float[]> pixels, PrefixBank bank, int[] slots, float[] gateWeights) {
    throw new UnsupportedOperationException();
  }

  /** L2-normalised text features, each text with its own task and weight: (K, E) row by row. */
  public float[] textFeatures(
      List<int[]> tokens, PrefixBank bank, int[] slots, float[] gateWeights) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
