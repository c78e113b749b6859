package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixTraining;
import dev.perennial.server.device.Devices;
import dev.perennial.server.device.DevicesConfig;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.server.task.store.FileTaskStore;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The built-in model learns a domain on a real device, from files to an active version. */
@Timeout(600)
class TrainingOnModelTest {

  private static final MiniMtilTask DOMAIN = MiniMtil.task("counting");

  @TempDir Path directory;

  @Test
  void train_newDomain_moreHeldOutExamplesAreRight() throws Exception {
    TaskVersion version = trained(directory.resolve("a"), 8);
    double before = metric(version, "validation_accuracy_before");
    double after = metric(version, "validation_accuracy");
    assertTrue(after > before + 0.1, version.metrics()::toString);
    assertEquals(16L * version.classNames().size(), version.statistics().count());
  }

  @Test
  void train_twice_sameBits() throws Exception {
    Bits.assertSame(trained(directory.resolve("a"), 1), trained(directory.resolve("b"), 1));
  }

  /** What `eval` measures is what a server learns. */
  @Test
  void offlineTraining_sameExamplesInTheSameOrder_sameBytesAsAJob() throws Exception {
    TaskVersion published = trained(directory.resolve("a"), 2);
    ModelDirectory model = ModelDirectory.embedded();
    try (ClipModel clip = ClipModel.load(model, "cpu", Precision.FP32)) {
      TaskVersion offline =
          new OfflineTraining(model, clip)
              .train(
                  spec(model, 2),
                  new Pictures(model),
                  PrefixTraining.ValueStart.ZERO,
                  published.created(),
                  progress -> {});
      assertArrayEquals(TaskVersionFile.write(published), TaskVersionFile.write(offline));
    }
  }

  /** The uploaded pictures, in memory. */
  private static final class Pictures implements ExampleSet {
    private final List<LabelledImage> images = images();
    private final ModelDirectory model;

    Pictures(ModelDirectory model) {
      this.model = model;
    }

    @Override
    public int size() {
      return images.size();
    }

    @Override
    public int classOf(int index) {
      return images.get(index).classIndex();
    }

    @Override
    public float[] pixels(int index) {
      return model.preprocessing().pixels(images.get(index).image());
    }
  }

  private static double metric(TaskVersion version, String name) {
    return Objects.requireNonNull(version.metrics().get(name), name);
  }

  private static TaskVersion trained(Path place, int epochs) throws Exception {
    ModelDirectory model = ModelDirectory.embedded();
    try (FileTaskStore store = new FileTaskStore(place.resolve("tasks"));
        TaskPool pool = TaskPool.open(store, model.fingerprint(), model.config().embedDim());
        Devices devices = new Devices(model, pool, DevicesConfig.DEFAULT);
        TrainingJobs jobs =
            new TrainingJobs(
                place.resolve("training"),
                model,
                devices,
                pool,
                new ImageDecoder(ImageDecoder.Limits.DEFAULT),
                TrainingConfig.DEFAULT,
                JobPeers.ALONE)) {
      devices.start();
      jobs.start();
      TrainingJob job = TestJobs.ended(jobs, upload(jobs, model, epochs).jobId());
      assertEquals(JobState.SUCCEEDED, job.state(), () -> String.valueOf(job.error()));
      assertEquals(job.versionId(), pool.snapshot().tasks().get(0).versionId());
      assertEquals(job.epoch(), pool.snapshot().epoch());
      return pool.snapshot().tasks().get(0).version();
    }
  }

  private static TrainingSpec spec(ModelDirectory model, int epochs) {
    return TrainingSpec.resolve(
        "counting",
        DOMAIN.classNames(),
        DOMAIN.template(),
        "",
        new TrainingOptions(null, null, 3, null, null, epochs, 16, null, 0.25f),
        model.config());
  }

  /** Sixteen pictures of each class. */
  private static List<LabelledImage> images() {
    return DOMAIN.images(MiniMtilTask.Split.TRAIN, 16, 1);
  }

  /** As PNG files. */
  private static TrainingJob upload(TrainingJobs jobs, ModelDirectory model, int epochs)
      throws Exception {
    List<LabelledImage> images = images();
    try (Upload upload = TestJobs.open(jobs, spec(model, epochs))) {
      CompletableFuture<Long> last = CompletableFuture.completedFuture(0L);
      for (LabelledImage image : images) {
        last =
            upload.add(
                new ExampleImage.Encoded(image.png()), DOMAIN.classNames().get(image.classIndex()));
      }
      assertEquals(images.size(), TestJobs.get(last));
      return TestJobs.get(upload.commit());
    }
  }
}
