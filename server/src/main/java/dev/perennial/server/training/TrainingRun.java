package dev.perennial.server.training;

import dev.perennial.server.clip.PrefixTraining;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskVersion;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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
  private final int classes;
  private final int[] classOf;
  private final Split split;
  private final Schedule schedule;

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
    this.classes = spec.classNames().size();
    this.classOf = new int[examples.size()];
    Arrays.setAll(classOf, examples::classOf);
    this.schedule = new Schedule(spec, examples, backbone.config().imageSize());
    this.split = schedule.split();
  }

  TaskVersion run() throws StopSignal.Stopped {
    float[] features = features();
    Checkpoint last = begin();
    meter.validated(last.accuracyBefore(), last.accuracyBest());
    meter.start(
        spec.epochs(),
        schedule.steps(),
        last.epoch(),
        (long) schedule.stepsPerEpoch() * last.epoch());
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
    StatisticsRun.requireFinite(features, embedDim, 0);
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
    int stepsPerEpoch = schedule.stepsPerEpoch();
    Schedule.Epoch plan = schedule.epoch(epoch);
    double loss = 0;
    int correct = 0;
    Schedule.Batch next = plan.batch(0);
    for (int b = 0; b < stepsPerEpoch; b++) {
      stop.check();
      Schedule.Batch present = next;
      float rate = schedule.learningRate((long) before.epoch() * stepsPerEpoch + b);
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
        Schedule.isBest(
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
        HeadConstants.fit(features, embedDim, classOf, classes),
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
