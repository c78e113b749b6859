package dev.perennial.server.training;

import dev.perennial.server.clip.PrefixTraining;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskVersion;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

/**
 * One task from its examples to a task version (DIKI, arXiv 2407.05342, sections 3.2 and 3.3):
 *
 * <ol>
 *   <li>the frozen features of all examples; statistics and gate come from these, held-out examples
 *       included, because they tell the domain and not the classes;
 *   <li>epochs of SGD steps with a cosine schedule from the learning rate to a thousandth of it;
 *       after each the held-out examples are classified at w = 1, and the best epoch's prefixes are
 *       kept (of equals the latest; the start, which is the frozen model, takes part). Where
 *       nothing is held out the last epoch's are taken.
 * </ol>
 *
 * <p>Each device call is one batch. The run's thread prepares the next batch while the device works
 * on the present one. After each epoch a checkpoint is written; a run that finds one goes on from
 * there. The version depends on the spec, the examples in their order, the model and the device
 * alone: no clock, no thread, no restart shows in it.
 */
final class TrainingRun {

  /** The schedule ends at this part of the learning rate. */
  private static final float LAST_RATE = 1e-3f;

  /** The most images of a device call without gradients. */
  private static final int MAX_FORWARD_BATCH = 128;

  private final TrainingSpec spec;
  private final Instant created;
  private final ExampleSet examples;
  private final Backbone backbone;
  private final Trainer trainer;
  private final Checkpoints checkpoints;
  private final StopSignal stop;
  private final ProgressMeter meter;
  private final int imageSize;
  private final int classes;
  private final int[] classOf;
  private final Split split;
  private final long stepsPerEpoch;

  /**
   * @param spec with classes and epochs decided
   */
  TrainingRun(
      TrainingSpec spec,
      Instant created,
      ExampleSet examples,
      Backbone backbone,
      Trainer trainer,
      Checkpoints checkpoints,
      StopSignal stop,
      ProgressMeter meter) {
    this.spec = spec;
    this.created = created;
    this.examples = examples;
    this.backbone = backbone;
    this.trainer = trainer;
    this.checkpoints = checkpoints;
    this.stop = stop;
    this.meter = meter;
    this.imageSize = backbone.config().imageSize();
    this.classes = spec.classNames().size();
    this.classOf = new int[examples.size()];
    Arrays.setAll(classOf, examples::classOf);
    this.split = Split.of(classOf, classes, spec.validationShare(), spec.seed());
    this.stepsPerEpoch = (split.training().length + spec.batchSize() - 1L) / spec.batchSize();
  }

  TaskVersion run() throws StopSignal.Stopped {
    float[] features = features();
    Checkpoint last = begin();
    meter.validated(last.accuracyBefore(), last.accuracyBest());
    meter.start(
        spec.epochs(), stepsPerEpoch * spec.epochs(), last.epoch(), stepsPerEpoch * last.epoch());
    while (last.epoch() < spec.epochs()) {
      last = epoch(last);
      meter.validated(last.accuracyBefore(), last.accuracyBest());
      meter.report();
      checkpoints.save(last);
    }
    return version(features, last);
  }

  /** Frozen features of all examples, (n, E). */
  private float[] features() throws StopSignal.Stopped {
    int embedDim = backbone.config().embedDim();
    int[] all = ascending(examples.size());
    float[] features = new float[Math.multiplyExact(all.length, embedDim)];
    int batch = Math.min(spec.batchSize(), MAX_FORWARD_BATCH);
    List<float[]> next = pixels(all, 0, Math.min(batch, all.length));
    for (int from = 0; from < all.length; from += batch) {
      stop.check();
      CompletableFuture<float[]> running = trainer.imageFeatures(next);
      int following = Math.min(from + batch, all.length);
      next = pixels(all, following, Math.min(following + batch, all.length));
      float[] rows = stop.await(running);
      System.arraycopy(rows, 0, features, from * embedDim, rows.length);
    }
    for (int i = 0; i < features.length; i++) {
      if (!Float.isFinite(features[i])) {
        throw new ServingException(
            ErrorCode.INVALID_ARGUMENT,
            "BAD_FEATURES",
            "image features of example "
                + i / embedDim
                + ": "
                + features[i]
                + " (expected: finite; are the pixels normalised?)");
      }
    }
    return features;
  }

  /** The last checkpoint, or the start with its validation accuracy; the device is ready then. */
  private Checkpoint begin() throws StopSignal.Stopped {
    List<int[]> tokens = new ArrayList<>(classes);
    for (String name : spec.classNames()) {
      tokens.add(backbone.tokens(spec.prompt(name)));
    }
    Optional<Checkpoint> saved = checkpoints.load();
    if (saved.isPresent()) {
      stop.await(trainer.resume(saved.get().present(), tokens));
      return saved.get();
    }
    stop.await(trainer.start(spec.shape(), tokens, spec.seed()));
    Prefixes start = stop.await(trainer.prefixes());
    float before = validate();
    return new Checkpoint(0, start, start, 0, before, before, before, 0, 0);
  }

  private Checkpoint epoch(Checkpoint before) throws StopSignal.Stopped {
    int epoch = before.epoch() + 1;
    Epoch plan = new Epoch(epoch);
    double loss = 0;
    int correct = 0;
    Epoch.Batch next = plan.batch(0);
    for (int b = 0; b < stepsPerEpoch; b++) {
      stop.check();
      Epoch.Batch present = next;
      float rate = learningRate(before.epoch() * stepsPerEpoch + b);
      CompletableFuture<PrefixTraining.Step> running =
          trainer.step(present.pixels(), present.classes(), rate);
      next = b + 1 < stepsPerEpoch ? plan.batch(b + 1) : present;
      PrefixTraining.Step step = stop.await(running);
      checkFinite(step.loss(), "loss", epoch, b + 1);
      loss += step.loss();
      correct += step.correct();
      meter.stepped(epoch, step.loss(), step.correct(), present.classes().length);
    }
    Prefixes present = stop.await(trainer.prefixes());
    float accuracy = validate();
    boolean best =
        isBest(
            accuracy, before.accuracyBefore(), before.accuracyHighest(), split.validation().length);
    return new Checkpoint(
        epoch,
        present,
        best ? present : before.best(),
        best ? epoch : before.bestEpoch(),
        before.accuracyBefore(),
        best ? accuracy : before.accuracyBest(),
        Math.max(accuracy, before.accuracyHighest()),
        loss / stepsPerEpoch,
        (double) correct / split.training().length);
  }

  /**
   * Whether an epoch takes the place of the best one: it is no worse than the start, and at most
   * one standard error below the highest so far (Breiman's rule). Few held-out examples tell epochs
   * apart badly, and the schedule makes later ones steadier: on seven small tasks of about 60
   * held-out examples each, taking the highest outright cost a point of test accuracy.
   */
  static boolean isBest(float accuracy, float start, float highestBefore, int heldOut) {
    if (heldOut == 0) {
      return true;
    }
    double highest = Math.max(accuracy, highestBefore);
    double standardError = Math.sqrt(highest * (1 - highest) / heldOut);
    return accuracy >= start && accuracy >= highest - standardError;
  }

  /** One epoch's batches: order and shifts come from the seed and the epoch alone. */
  private final class Epoch {
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    record Batch(List<float[]> pixels, int[] classes) {}

    private final int[] order;
    private final SplittableRandom shifts;

    Epoch(int epoch) {
      this.order = RandomStream.ORDER.permutation(spec.seed(), epoch, split.training().length);
      this.shifts = RandomStream.SHIFT.at(spec.seed(), epoch);
    }

    /** To be called for 0, 1, ... in order. */
    Batch batch(int number) {
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
        targets[i - from] = classOf[example];
      }
      return new Batch(inputs, targets);
    }
  }

  /** Cosine from the learning rate to a thousandth of it, over all steps. */
  private float learningRate(long step) {
    double last = spec.learningRate() * (double) LAST_RATE;
    double part = (double) step / (stepsPerEpoch * spec.epochs());
    return (float)
        (last + 0.5 * (spec.learningRate() - last) * (1 + StrictMath.cos(Math.PI * part)));
  }

  /** Share of the held-out examples that are classified rightly at w = 1; NaN without any. */
  private float validate() throws StopSignal.Stopped {
    int[] held = split.validation();
    if (held.length == 0) {
      return Float.NaN;
    }
    int batch = Math.min(spec.batchSize(), MAX_FORWARD_BATCH);
    int correct = 0;
    for (int from = 0; from < held.length; from += batch) {
      int to = Math.min(from + batch, held.length);
      float[] logits = stop.await(trainer.logits(pixels(held, from, to)));
      for (int i = from; i < to; i++) {
        correct += highest(logits, (i - from) * classes) == classOf[held[i]] ? 1 : 0;
      }
    }
    return (float) correct / held.length;
  }

  private int highest(float[] logits, int offset) {
    int highest = 0;
    for (int c = 0; c < classes; c++) {
      checkFinite(logits[offset + c], "logit", 0, 0);
      if (logits[offset + c] > logits[offset + highest]) {
        highest = c;
      }
    }
    return highest;
  }

  private void checkFinite(float value, String what, int epoch, int step) {
    if (!Float.isFinite(value)) {
      throw ServingException.invalid(
          "TRAINING_DIVERGED",
          "spec.options.learning_rate",
          what
              + (step == 0 ? " of a held-out example" : " at epoch " + epoch + ", step " + step)
              + ": "
              + value
              + " (expected: finite; try a learning rate below "
              + spec.learningRate()
              + ")");
    }
  }

  private TaskVersion version(float[] features, Checkpoint last) {
    int embedDim = backbone.config().embedDim();
    return new TaskVersion(
        spec.task(),
        spec.classNames(),
        spec.template(),
        last.best(),
        FeatureStatistics.of(features, embedDim, classOf, classes),
        GateConstants.fit(spec.gate(), features, embedDim, classOf, classes),
        VersionNotes.options(spec),
        VersionNotes.metrics(split, last),
        spec.seed(),
        backbone.fingerprint(),
        created);
  }

  private List<float[]> pixels(int[] indices, int from, int to) {
    List<float[]> inputs = new ArrayList<>(to - from);
    for (int i = from; i < to; i++) {
      inputs.add(examples.pixels(indices[i]));
    }
    return inputs;
  }

  private static int[] ascending(int size) {
    int[] places = new int[size];
    for (int i = 0; i < size; i++) {
      places[i] = i;
    }
    return places;
  }
}
