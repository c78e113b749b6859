package dev.perennial.server.training;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.PrefixTraining;
import dev.perennial.server.device.DeviceStep;
import dev.perennial.server.device.DeviceWorker;
import dev.perennial.server.task.TaskVersion;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Training without a server: a job's very algorithm ({@link TrainingRun}) in the calling thread.
 * The same spec, examples in the same order, model and device give the version that a job would
 * publish, to the byte.
 */
public final class OfflineTraining {
  private final ModelDirectory directory;
  private final ClipModel model;

  /** Trains on a model that the calling thread owns. */
  public OfflineTraining(ModelDirectory directory, ClipModel model) {
    this.directory = directory;
    this.model = model;
  }

  /**
   * Learns one task. Blocks until it is learnt.
   *
   * @param spec with its class names; epochs may still be open
   * @param start how values begin: anything but zero is for comparison only
   * @param created goes into the version's bytes
   * @throws dev.perennial.server.error.ServingException INVALID_ARGUMENT, as a job would fail
   */
  public TaskVersion train(
      TrainingSpec spec,
      ExampleSet examples,
      PrefixTraining.ValueStart start,
      Instant created,
      Consumer<TrainingJob.Progress> progress) {
    Map<String, Integer> examplesOf = new TreeMap<>();
    for (int i = 0; i < examples.size(); i++) {
      examplesOf.merge(spec.classNames().get(examples.classOf(i)), 1, Integer::sum);
    }
    TrainingSpec decided = CommitRules.decide(spec, examplesOf);
    try (Trainer trainer = new DeviceTrainer(new OwnThread(), start)) {
      return new TrainingRun(
              decided,
              created,
              examples,
              new ModelBackbone(),
              trainer,
              Checkpoints.NONE,
              new StopSignal(),
              new ProgressMeter(System::nanoTime, progress))
          .run();
    } catch (StopSignal.Stopped e) {
      throw new AssertionError("nobody gives this signal", e);
    }
  }

  /** Runs each step at once where it is asked for. */
  private final class OwnThread implements DeviceWorker {
    @Override
    public String device() {
      return "own thread";
    }

    @Override
    public <T> CompletableFuture<T> step(DeviceStep<T> step) {
      try {
        return CompletableFuture.completedFuture(step.run(model));
      } catch (RuntimeException e) {
        return CompletableFuture.failedFuture(e);
      }
    }
  }

  private final class ModelBackbone implements Backbone {
    @Override
    public ClipConfig config() {
      return directory.config();
    }

    @Override
    public String fingerprint() {
      return directory.fingerprint();
    }

    @Override
    public int[] tokens(String text) {
      return directory.tokenizer().encode(text);
    }
  }
}
