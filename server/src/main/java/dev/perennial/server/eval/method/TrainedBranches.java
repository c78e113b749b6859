package dev.perennial.server.eval.method;

import com.google.gson.Gson;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.RunState;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.server.training.OfflineTraining;
import dev.perennial.server.training.TrainingJob;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The branches of one bench: each (task, settings) is trained once, by a training job's own
 * algorithm, for all methods that ask for it; and not again by a run that goes on. Of the bench's
 * thread.
 */
final class TrainedBranches {
  private static final Logger log = LoggerFactory.getLogger(TrainedBranches.class);

  /** What is kept beside a version's file. */
  private record Cost(long images, long nanos) {}

  private record Key(BranchSettings settings, int task) {}

  private final Bench bench;
  private final Map<Key, TrainedBranch> branches = new HashMap<>();

  TrainedBranches(Bench bench) {
    this.bench = bench;
  }

  /** The task's branch, trained now where it is not there yet. */
  TrainedBranch get(BranchSettings settings, EvalTask task, Method.Progress progress) {
    return branches.computeIfAbsent(
        new Key(settings, task.place()),
        key -> {
          String file = fileName(settings, task);
          return load(file).orElseGet(() -> train(settings, task, progress, file));
        });
  }

  private TrainedBranch train(
      BranchSettings settings, EvalTask task, Method.Progress progress, String file) {
    long start = System.nanoTime();
    TaskVersion version =
        new OfflineTraining(bench.engine().directory(), bench.model())
            .train(
                settings.spec(task, bench.seed(), bench.model().config()),
                task.train(),
                settings.values(),
                Instant.EPOCH,
                job -> progress.at(share(job), figures(job)));
    Cost cost = new Cost(images(version), System.nanoTime() - start);
    bench.state().write(file + ".json", new Gson().toJson(cost).getBytes(StandardCharsets.UTF_8));
    bench.state().write(file, TaskVersionFile.write(version));
    return branch(version, cost);
  }

  private static TrainedBranch branch(TaskVersion version, Cost cost) {
    return new TrainedBranch(
        version,
        new Method.Learned(
            version.prefixes().parameterCount(), cost.images(), Duration.ofNanos(cost.nanos())));
  }

  /** Training pictures times epochs. */
  private static long images(TaskVersion version) {
    String epochs = version.options().get("epochs");
    Double examples = version.metrics().get("training_examples");
    if (epochs == null || examples == null) {
      throw new IllegalStateException("version: " + version.options() + " (expected: epochs)");
    }
    return Math.round(examples) * Long.parseLong(epochs);
  }

  private Optional<TrainedBranch> load(String file) {
    Optional<byte[]> cost = bench.state().read(file + ".json");
    Optional<byte[]> bytes = bench.state().read(file);
    if (cost.isEmpty() || bytes.isEmpty()) {
      return Optional.empty();
    }
    try {
      TaskVersion version = TaskVersionFile.read(ByteBuffer.wrap(bytes.get()));
      String json = new String(cost.get(), StandardCharsets.UTF_8);
      return Optional.of(branch(version, new Gson().fromJson(json, Cost.class)));
    } catch (ServingException e) {
      log.warn("{}: damaged, trained again", file, e);
      return Optional.empty();
    }
  }

  private String fileName(BranchSettings settings, EvalTask task) {
    return RunState.fileName(
        "branch",
        settings + " " + task.place() + " " + task.name() + " " + bench.seed(),
        "safetensors");
  }

  private static double share(TrainingJob.Progress job) {
    return job.steps() == 0 ? 0 : (double) job.step() / job.steps();
  }

  private static String figures(TrainingJob.Progress job) {
    return String.format(
        Locale.ROOT, "loss %.2f, %.0f images/s", job.loss(), job.imagesPerSecond());
  }
}
