package dev.perennial.server.clip;

import dev.perennial.server.safetensors.TensorData;
import java.util.List;

/**
 * A whole CLIP while it is pre-trained from nothing: symmetric cross-entropy over images and
 * captions (Radford et al. 2021, figure 3) plus auxiliary classifications against prompts; AdamW
 * with decoupled weight decay on matrices only, gradient norm clipped at 1, logit scale at most
 * 100. float32. Owned by one thread.
 */
public final class ContrastiveTraining implements AutoCloseable {
  /**
   * A weighted cross-entropy of some of the batch's images against some of the prompts.
   *
   * @param firstPrompt start of the range of prompts that are compared
   * @param promptCount length of that range
   * @param images places in the batch
   * @param targets per image its right prompt, counted from firstPrompt
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record AuxiliaryTask(
      int firstPrompt, int promptCount, int[] images, int[] targets, float weight) {}

  /** Contrastive loss, weighted sum of auxiliary losses, and logit scale. */
  public record Step(float contrastiveLoss, float auxiliaryLoss, float logitScale) {}

  /** Random weights from the seed, as in the CLIP paper's initialisation. */
  public static ContrastiveTraining start(ClipConfig config, String device, long seed) {
    throw new UnsupportedOperationException();
  }

  /**
   * One step of AdamW (betas 0.9, 0.98, eps 1e-6, weight decay 0.05).
   *
   * @param pixels (B, 3, S, S) row-major
   * @param captions token ids of each image's caption
   * @param prompts token ids of the auxiliary prompts
   */
  public Step step(
      float[] pixels,
      List<int[]> captions,
      List<int[]> prompts,
      List<AuxiliaryTask> auxiliary,
      float learningRate) {
    throw new UnsupportedOperationException();
  }

  /** L2-normalised features with the present weights, without gradients: (B, E). */
  public float[] imageFeatures(float[] pixels, int batch) {
    throw new UnsupportedOperationException();
  }

  /** L2-normalised features with the present weights, without gradients: (K, E). */
  public float[] textFeatures(List<int[]> tokens) {
    throw new UnsupportedOperationException();
  }

  /** Copies of all weights, float32, under their Hugging Face names. */
  public List<TensorData> weights() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
