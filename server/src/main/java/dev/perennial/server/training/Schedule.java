package dev.perennial.server.training;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What a training shows when, at which learning rate, and which epoch's outcome it keeps: the same
 * for whatever is trained. It depends on the spec and the examples alone. Owned by the thread that
 * owns the examples.
 */
public final class Schedule {
  /** It ends at this part of the learning rate. */
  private static final float LAST_RATE = 1e-3f;

  /**
   * One step's examples.
   *
   * @param pixels per image (3, S, S), moved where the recipe is robust
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record Batch(List<float[]> pixels, int[] classes) {}

  private final TrainingSpec spec;
  private final ExampleSet examples;
  private final int imageSize;
  private final Split split;
  private final int epochs;
  private final int stepsPerEpoch;

  /**
   * @param spec with its classes; where its epochs are open, the recipe decides
   */
  public Schedule(TrainingSpec spec, ExampleSet examples, int imageSize) {
    this.spec = spec;
    this.examples = examples;
    this.imageSize = imageSize;
    int[] classOf = new int[examples.size()];
    Arrays.setAll(classOf, examples::classOf);
    this.split = Split.of(classOf, spec.classNames().size(), spec.validationShare(), spec.seed());
    int count = split.training().length;
    this.epochs = spec.epochs() > 0 ? spec.epochs() : spec.recipe().epochs(count, spec.batchSize());
    this.stepsPerEpoch = (count + spec.batchSize() - 1) / spec.batchSize();
  }

  public Split split() {
    return split;
  }

  public int epochs() {
    return epochs;
  }

  public int stepsPerEpoch() {
    return stepsPerEpoch;
  }

  /** Of all epochs. */
  public long steps() {
    return (long) stepsPerEpoch * epochs;
  }

  /** Cosine from the learning rate to a thousandth of it. */
  public float learningRate(long step) {
    double last = spec.learningRate() * (double) LAST_RATE;
    double part = (double) step / steps();
    return (float)
        (last + 0.5 * (spec.learningRate() - last) * (1 + StrictMath.cos(Math.PI * part)));
  }

  /** The epoch of this number, from 1. */
  public Epoch epoch(int number) {
    return new Epoch(number);
  }

  /** One epoch's batches: order and shifts come from the seed and the epoch alone. */
  public final class Epoch {
    private final int[] order;
    private final SplittableRandom shifts;

    private Epoch(int number) {
      this.order = RandomStream.ORDER.permutation(spec.seed(), number, split.training().length);
      this.shifts = RandomStream.SHIFT.at(spec.seed(), number);
    }

    /** To be called for 0, 1, ... in order. */
    public Batch batch(int number) {
      int from = number * spec.batchSize();
      int to = Math.min(from + spec.batchSize(), order.length);
      List<float[]> inputs = new ArrayList<>(to - from);
      int[] targets = new int[to - from];
      for (int i = from; i < to; i++) {
        int example = split.training()[order[i]];
        float[] input = examples.pixels(example);
        inputs.add(
            spec.recipe() == TrainingSpec.Recipe.ROBUST
                ? RandomShift.apply(input, imageSize, shifts)
                : input);
        targets[i - from] = examples.classOf(example);
      }
      return new Batch(inputs, targets);
    }
  }

  /**
   * Whether an epoch takes the place of the best one: it is no worse than the start, and at most
   * one standard error below the highest so far (Breiman's rule). Few held-out examples tell epochs
   * apart badly, and the schedule makes later ones steadier: on seven small tasks of about 60
   * held-out examples each, taking the highest outright cost a point of test accuracy.
   *
   * @param accuracy share of the held-out examples that are answered rightly, as are the others
   */
  public static boolean isBest(float accuracy, float start, float highestBefore, int heldOut) {
    if (heldOut == 0) {
      return true;
    }
    double highest = Math.max(accuracy, highestBefore);
    double standardError = Math.sqrt(highest * (1 - highest) / heldOut);
    return accuracy >= start && accuracy >= highest - standardError;
  }
}
