package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchValue;

/**
 * Settings of AdamW (Loshchilov and Hutter, ICLR 2019); decay is for matrices only.
 *
 * @param maxGradientNorm infinite for no clipping
 */
record AdamW(
    double weightDecay, double beta1, double beta2, double epsilon, double maxGradientNorm) {
  /** PyTorch's defaults without decay: plain Adam (Kingma and Ba, ICLR 2015). */
  static final AdamW PLAIN = new AdamW(0, 0.9, 0.999, 1e-8, Double.POSITIVE_INFINITY);

  /** The list of numbers that the program takes, with more of the caller's behind. */
  TorchValue numbers(double learningRate, double... more) {
    double[] numbers = new double[6 + more.length];
    numbers[0] = learningRate;
    numbers[1] = weightDecay;
    numbers[2] = beta1;
    numbers[3] = beta2;
    numbers[4] = epsilon;
    numbers[5] = maxGradientNorm;
    System.arraycopy(more, 0, numbers, 6, more.length);
    return TorchValue.numbers(numbers);
  }
}
