package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;

/**
 * The plain mean of weights at several moments of one model's training, kept as a running mean: the
 * weight ensemble of ZSCL (Zheng et al., ICCV 2023, section 3.3; Izmailov et al., UAI 2018). The
 * mean of one moment is a copy. On the model's device, owned by its thread; close it before the
 * model.
 */
public final class WeightMean implements AutoCloseable {
  private final TrainableClip clip;
  private final TorchValue mean;
  private int count = 1;

  WeightMean(TrainableClip clip) {
    this.clip = clip;
    this.mean = clip.program().call("copies", Mode.NO_GRADIENT, clip.weights());
  }

  /** Takes in the model's present weights. */
  public void add() {
    count++;
    try (TorchValue moments = TorchValue.integer(count)) {
      clip.program().call("average", Mode.NO_GRADIENT, mean, clip.weights(), moments).close();
    }
  }

  /** How many moments it is the mean of. */
  public int count() {
    return count;
  }

  /** Gives these weights to the model. */
  public void restore() {
    clip.program().call("overwrite", Mode.NO_GRADIENT, clip.weights(), mean).close();
  }

  @Override
  public void close() {
    mean.close();
  }
}
