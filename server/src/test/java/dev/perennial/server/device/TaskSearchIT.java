package dev.perennial.server.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.gaussian.TaskGaussian;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.scoring.TaskCandidates;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Many tasks of real features: every class of mini-MTIL is one, 75 in seven domains. */
class TaskSearchIT {
  private static final int SHOTS = 16;
  private static final int ASKED = 4;

  private final ModelDirectory directory = ModelDirectory.embedded();
  private final ImageDecoder decoder = new ImageDecoder(ImageDecoder.Limits.DEFAULT);
  private final List<ActiveTask> tasks = new ArrayList<>();
  private final List<float[]> asked = new ArrayList<>();

  private void teach() {
    try (ClipModel model = ClipModel.load(directory, "cpu", Precision.FP32)) {
      for (MiniMtilTask task : MiniMtil.tasks()) {
        for (int c = 0; c < task.classNames().size(); c++) {
          int own = c;
          tasks.add(
              task(
                  task.name() + "-" + c,
                  features(model, ofClass(task.images(MiniMtilTask.Split.TRAIN, SHOTS, 11), own))));
          asked.addAll(
              features(model, ofClass(task.images(MiniMtilTask.Split.TRAIN, ASKED, 1011), own)));
        }
      }
    }
  }

  private static List<LabelledImage> ofClass(List<LabelledImage> images, int own) {
    return images.stream().filter(image -> image.classIndex() == own).toList();
  }

  private List<float[]> features(ClipModel model, List<LabelledImage> images) {
    List<float[]> pixels =
        images.stream()
            .map(image -> directory.preprocessing().pixels(decoder.decode(image.png())))
            .toList();
    int embedDim = model.config().embedDim();
    try (PrefixBank none = model.bank(List.of())) {
      float[] rows =
          model.imageFeatures(pixels, none, new int[pixels.size()], new float[pixels.size()]);
      return IntStream.range(0, pixels.size())
          .mapToObj(i -> Arrays.copyOfRange(rows, i * embedDim, (i + 1) * embedDim))
          .toList();
    }
  }

  private ActiveTask task(String name, List<float[]> features) {
    int embedDim = directory.config().embedDim();
    float[] rows = new float[features.size() * embedDim];
    for (int i = 0; i < features.size(); i++) {
      System.arraycopy(features.get(i), 0, rows, i * embedDim, embedDim);
    }
    int[] classOf = new int[features.size()];
    FeatureStatistics statistics = FeatureStatistics.of(rows, embedDim, classOf, 1);
    GateConstants gate = GateConstants.fit(GateKind.ROBUST, rows, embedDim, classOf, 1);
    HeadConstants head = HeadConstants.fit(rows, embedDim, classOf, 1);
    List<float[]> one = List.of(new float[1]);
    TaskVersion version =
        new TaskVersion(
            name,
            List.of(name),
            "a {}",
            new Prefixes(1, one, one, one, one),
            statistics,
            gate,
            head,
            Map.of(),
            Map.of(),
            0,
            directory.fingerprint(),
            Instant.EPOCH);
    return ActiveTask.of(name, version);
  }

  @Test
  void of_manyTasks_theLikeliestHoldAllCandidates() {
    teach();
    LabelOwners owners =
        LabelOwners.of(
            tasks.stream().map(ActiveTask::name).toList(),
            tasks.stream().map(task -> task.version().classNames()).toList());
    assertTrue(tasks.size() > 2 * TaskCandidates.LIKELIEST, "tasks: " + tasks.size());
    List<TaskSearch> all = TaskSearch.of(tasks, owners, asked, tasks.size());
    List<TaskSearch> few = TaskSearch.of(tasks, owners, asked);
    for (int i = 0; i < asked.size(); i++) {
      assertSame(exact(owners, asked.get(i)), all.get(i).candidates(), "all, image " + i);
      assertSame(all.get(i).candidates(), few.get(i).candidates(), "likeliest, image " + i);
    }
  }

  /** Every task to its end, one image at a time. */
  private TaskCandidates exact(LabelOwners owners, float[] features) {
    TaskCandidates candidates = new TaskCandidates();
    for (int slot = 0; slot < tasks.size(); slot++) {
      if (owners.considers(slot)) {
        TaskGaussian domain = tasks.get(slot).domain();
        candidates.offer(slot, domain.logDensity(features, 0));
      }
    }
    return candidates;
  }

  private static void assertSame(TaskCandidates expected, TaskCandidates actual, String what) {
    assertEquals(expected.size(), actual.size(), what);
    for (int place = 0; place < expected.size(); place++) {
      assertEquals(expected.task(place), actual.task(place), what);
      assertEquals(expected.logGaussian(place), actual.logGaussian(place), 0, what);
    }
  }
}
