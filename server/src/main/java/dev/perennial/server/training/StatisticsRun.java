package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.task.Contribution;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Examples of a task to a {@link Contribution}: their frozen features, summed up as integers.
 *
 * <p>Every image passes the device alone. In a larger batch the last bits of its features may
 * depend on its place and on its neighbours; alone they depend on the image, the model and the kind
 * of device. So the sums of a set of images have the same bits in any order, split over any
 * uploads.
 *
 * <p>The run's thread prepares the next image while the device works on the present one. Memory is
 * bounded by a block of rows. There is no checkpoint: a run that was broken off begins again.
 */
final class StatisticsRun {
  /** Rows that are summed up at a time. */
  private static final int BLOCK = 256;

  private final TrainingSpec spec;
  private final ExampleSet examples;
  private final Backbone backbone;
  private final Trainer trainer;
  private final StopSignal stop;
  private final ProgressMeter meter;

  /**
   * @param spec with its classes decided
   */
  StatisticsRun(
      TrainingSpec spec,
      ExampleSet examples,
      Backbone backbone,
      Trainer trainer,
      StopSignal stop,
      ProgressMeter meter) {
    this.spec = spec;
    this.examples = examples;
    this.backbone = backbone;
    this.trainer = trainer;
    this.stop = stop;
    this.meter = meter;
  }

  Contribution run() throws StopSignal.Stopped {
    int embedDim = backbone.config().embedDim();
    int classes = spec.classNames().size();
    int size = examples.size();
    FeatureStatistics sum = FeatureStatistics.empty(embedDim, classes);
    meter.start(1, size, 0, 0);
    float[] next = examples.pixels(0);
    for (int from = 0; from < size; from += BLOCK) {
      int rows = Math.min(BLOCK, size - from);
      float[] features = new float[rows * embedDim];
      int[] classOf = new int[rows];
      for (int row = 0; row < rows; row++) {
        stop.check();
        CompletableFuture<float[]> running = trainer.imageFeatures(List.of(next));
        int following = from + row + 1;
        next = following < size ? examples.pixels(following) : next;
        System.arraycopy(stop.await(running), 0, features, row * embedDim, embedDim);
        classOf[row] = examples.classOf(from + row);
        meter.stepped(1, 0, 0, 1);
      }
      requireFinite(features, embedDim, from);
      sum = sum.plus(FeatureStatistics.of(features, embedDim, classOf, classes));
    }
    meter.report();
    return new Contribution(
        spec.task(), spec.requestId(), spec.classNames(), sum, backbone.fingerprint());
  }

  /**
   * Throws INVALID_ARGUMENT.
   *
   * @param features (n, E) of the examples from the first
   */
  static void requireFinite(float[] features, int embedDim, int first) {
    for (int i = 0; i < features.length; i++) {
      if (!Float.isFinite(features[i])) {
        throw new ServingException(
            ErrorCode.INVALID_ARGUMENT,
            "BAD_FEATURES",
            "image features of example "
                + (first + i / embedDim)
                + ": "
                + features[i]
                + " (expected: finite; are the pixels normalised?)");
      }
    }
  }
}
