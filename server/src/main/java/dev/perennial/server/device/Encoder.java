package dev.perennial.server.device;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.task.Prefixes;
import java.util.List;

/**
 * Both towers as a worker sees them: what stands between it and {@link
 * dev.perennial.server.clip.ClipModel}, so that the worker can be tried without a tensor library.
 * Opened, used and closed by one thread.
 */
interface Encoder extends AutoCloseable {
  /** Opens an encoder on the calling thread. */
  @FunctionalInterface
  interface Factory {
    Encoder open();
  }

  /** The model's shape. */
  ClipConfig config();

  /** exp(logit_scale). */
  float logitScale();

  /** From now on slot i is tasks.get(i). Where it throws, the slots stay as they were. */
  void install(List<Prefixes> tasks);

  /** L2-normalised image features (B, E); slots and gate weights per row. */
  float[] imageFeatures(List<float[]> pixels, int[] slots, float[] gateWeights);

  /** L2-normalised text features (B, E); slots and gate weights per row. */
  float[] textFeatures(List<int[]> tokens, int[] slots, float[] gateWeights);

  /** Runs a step against the model. */
  <T> T run(DeviceStep<T> step);

  @Override
  void close();
}
