package dev.perennial.server.training;

import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.clip.PrefixTraining;
import dev.perennial.server.device.DeviceWorker;
import dev.perennial.server.task.PrefixShape;
import dev.perennial.server.task.Prefixes;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A {@link Trainer} on a real device: each call is one {@link DeviceWorker#step}. */
final class DeviceTrainer implements Trainer {

  private static final Logger log = LoggerFactory.getLogger(DeviceTrainer.class);

  private final DeviceWorker worker;
  private final PrefixTraining.ValueStart values;

  /** Set, used and cleared on the device's thread only. */
  private @Nullable PrefixTraining training;

  DeviceTrainer(DeviceWorker worker, PrefixTraining.ValueStart values) {
    this.worker = worker;
    this.values = values;
  }

  @Override
  public CompletableFuture<float[]> imageFeatures(List<float[]> pixels) {
    return worker.step(
        model -> {
          int rows = pixels.size();
          try (PrefixBank none = model.bank(List.of())) {
            return model.imageFeatures(pixels, none, new int[rows], new float[rows]);
          }
        });
  }

  @Override
  public CompletableFuture<Void> start(PrefixShape shape, List<int[]> classTokens, long seed) {
    return worker
        .step(model -> training = PrefixTraining.start(model, shape, classTokens, values, seed))
        .thenAccept(started -> {});
  }

  @Override
  public CompletableFuture<Void> resume(Prefixes prefixes, List<int[]> classTokens) {
    return worker
        .step(model -> training = PrefixTraining.resume(model, prefixes, classTokens))
        .thenAccept(started -> {});
  }

  @Override
  public CompletableFuture<PrefixTraining.Step> step(
      List<float[]> pixels, int[] classes, float learningRate) {
    return inTraining(present -> present.step(pixels, classes, learningRate));
  }

  @Override
  public CompletableFuture<float[]> logits(List<float[]> pixels) {
    return inTraining(present -> present.logits(pixels));
  }

  @Override
  public CompletableFuture<Prefixes> prefixes() {
    return inTraining(PrefixTraining::prefixes);
  }

  @Override
  public void close() {
    CompletableFuture<Boolean> freed =
        worker.step(
            model -> {
              PrefixTraining present = training;
              training = null;
              if (present != null) {
                present.close();
              }
              return true;
            });
    CompletableFuture<Boolean> unused =
        freed.exceptionally(
            e -> {
              // A closed worker frees everything with its model.
              log.debug("{}: training not freed on its own", worker.device(), e);
              return false;
            });
  }

  private <T> CompletableFuture<T> inTraining(Function<PrefixTraining, T> action) {
    return worker.step(
        model -> {
          PrefixTraining present = training;
          if (present == null) {
            throw new IllegalStateException("no training (expected: start or resume before)");
          }
          return action.apply(present);
        });
  }
}
