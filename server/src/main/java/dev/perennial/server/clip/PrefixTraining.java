package dev.perennial.server.clip;

import dev.perennial.server.task.PrefixShape;
import dev.perennial.server.task.Prefixes;
import java.util.List;

/**
 * One task's keys and values while they are learned: SGD on cross-entropy over logit_scale * cos, w
 * = 1, backbone frozen (DIKI section 3.2). float32 masters. Owned by the {@link ClipModel}'s
 * thread; every call is one short piece of device work.
 */
public final class PrefixTraining implements AutoCloseable {
  /** Mean loss and number of right answers of one batch, before the step. */
  public record Step(float loss, int correct) {}

  /** Fresh prefixes: keys uniform in (-1, 1) from the seed, values zero. */
  public static PrefixTraining start(
      ClipModel model, PrefixShape shape, List<int[]> classTokens, long seed) {
    throw new UnsupportedOperationException();
  }

  /** Continues from given prefixes. */
  public static PrefixTraining resume(ClipModel model, Prefixes prefixes, List<int[]> classTokens) {
    throw new UnsupportedOperationException();
  }

  /**
   * One step of SGD. The same calls with the same values on the same device give the same bits.
   *
   * @param pixels per image (3, S, S)
   * @param classes per image its class's place in classTokens
   */
  public Step step(List<float[]> pixels, int[] classes, float learningRate) {
    throw new UnsupportedOperationException();
  }

  /** Logits (B, K) with the present prefixes at w = 1, row by row; no gradient. */
  public float[] logits(List<float[]> pixels) {
    throw new UnsupportedOperationException();
  }

  /** A copy of the present prefixes. */
  public Prefixes prefixes() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
