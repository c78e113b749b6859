package dev.perennial.server.training;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.PrefixTraining;
import dev.perennial.server.device.Devices;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.task.Contribution;
import dev.perennial.server.task.ContributionFile;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.PoolWriter;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The real server, seen by training. */
final class ServerHost implements TrainingHost {

  private final ModelDirectory model;
  private final Devices devices;
  private final PoolWriter pool;
  private final ModelInput input;

  ServerHost(ModelDirectory model, Devices devices, PoolWriter pool, ImageDecoder decoder) {
    this.model = model;
    this.devices = devices;
    this.pool = pool;
    this.input = new ModelInput(decoder, model.preprocessing());
  }

  @Override
  public ClipConfig config() {
    return model.config();
  }

  @Override
  public String fingerprint() {
    return model.fingerprint();
  }

  @Override
  public int[] tokens(String text) {
    return model.tokenizer().encode(text);
  }

  @Override
  public float[] pixels(ExampleImage image) {
    return input.pixels(image);
  }

  @Override
  public @Nullable RuntimeException fault(ExampleImage image) {
    return input.fault(image);
  }

  @Override
  public int devices() {
    return devices.workers().size();
  }

  @Override
  public Trainer trainer(int device) {
    return new DeviceTrainer(devices.workers().get(device), PrefixTraining.ValueStart.ZERO);
  }

  @Override
  public List<String> classesOf(String task) {
    PoolSnapshot snapshot = pool.snapshot();
    int slot = snapshot.slot(task);
    if (slot < 0) {
      throw ServingException.notFound(
          "TASK_NOT_FOUND",
          "spec.task",
          "task: "
              + ServingException.quoted(task)
              + " (expected: one of "
              + snapshot.tasks().size()
              + " that serve)");
    }
    return snapshot.tasks().get(slot).version().classNames();
  }

  @Override
  public Published publish(Contribution contribution, Fence fence) {
    PoolSnapshot snapshot = pool.contribute(contribution, fence);
    String id = TaskVersionFile.versionId(ContributionFile.write(contribution));
    return new Published(id, snapshot.epoch());
  }

  @Override
  public Published publish(TaskVersion version, Fence fence) {
    PoolSnapshot snapshot = pool.publish(version, fence);
    String id = TaskVersionFile.versionId(TaskVersionFile.write(version));
    return new Published(id, snapshot.epoch());
  }

  @Override
  public CompletableFuture<Void> installed(long epoch) {
    return devices.installed(epoch);
  }
}
