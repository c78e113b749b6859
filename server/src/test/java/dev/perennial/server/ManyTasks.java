package dev.perennial.server;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.RandomClip;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.server.task.store.FileTaskStore;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** A pool of as many tasks as wanted, of a model's real size and format, on a member's disk. */
final class ManyTasks {
  static final int CLASSES = 20;
  private static final int ROWS = 400;

  /** Of the official setting for ViT-B/16. */
  private static final int DEPTH = 8;

  private static final int PREFIX_LENGTH = 8;

  private final ModelDirectory model;
  private final FeatureStatistics statistics;
  private final GateConstants gate;
  private final HeadConstants head;

  /** Statistics of random images, of which each task's are made. */
  ManyTasks(ModelDirectory model) {
    this.model = model;
    int d = model.config().embedDim();
    Random random = new Random(1);
    float[] features = new float[ROWS * d];
    int[] classOf = new int[ROWS];
    for (int row = 0; row < ROWS; row++) {
      classOf[row] = row % CLASSES;
      double squares = 0;
      for (int i = 0; i < d; i++) {
        float f = (float) (1 + random.nextGaussian());
        features[row * d + i] = f;
        squares += (double) f * f;
      }
      for (int i = 0; i < d; i++) {
        features[row * d + i] /= (float) Math.sqrt(squares);
      }
    }
    this.statistics = FeatureStatistics.of(features, d, classOf, CLASSES);
    this.gate = GateConstants.fit(GateKind.ROBUST, features, d, classOf, CLASSES);
    this.head = new HeadConstants(0.5, gate.meanLogDensity(), gate.stdLogDensity());
  }

  /** Writes tasks and manifest into a data directory that has none; returns their names. */
  List<String> write(Path data, int count) {
    Map<String, Map<String, Long>> tasks = new HashMap<>();
    try (FileTaskStore store = new FileTaskStore(data.resolve("tasks"))) {
      for (int i = 0; i < count; i++) {
        byte[] bytes = TaskVersionFile.write(version(i));
        String id = TaskVersionFile.versionId(bytes);
        store.putVersion(id, bytes);
        tasks.put(name(i), Map.of(id, i + 1L));
      }
      store.writeManifest(new Manifest(count, tasks, Map.of()));
    }
    return IntStream.range(0, count).mapToObj(ManyTasks::name).toList();
  }

  private static String name(int task) {
    return "task-" + task;
  }

  private TaskVersion version(int task) {
    ClipConfig config = model.config();
    return new TaskVersion(
        name(task),
        IntStream.range(0, CLASSES).mapToObj(k -> "number " + k + " of " + task).toList(),
        "a photo of a {}.",
        RandomClip.prefixes(config, DEPTH, PREFIX_LENGTH, 0.1, task),
        turned(new Random(task)),
        gate,
        head,
        Map.of(),
        Map.of(),
        task,
        model.fingerprint(),
        Instant.EPOCH);
  }

  /** The same statistics with the dimensions in another order: as good, and fast to make. */
  private FeatureStatistics turned(Random random) {
    int d = statistics.dimension();
    List<Integer> order = new ArrayList<>(IntStream.range(0, d).boxed().toList());
    Collections.shuffle(order, random);
    long[] fromSums = statistics.classSums();
    long[] sums = new long[fromSums.length];
    for (int at = 0; at < sums.length; at++) {
      sums[at] = fromSums[at - at % d + order.get(at % d)];
    }
    long[] from = statistics.products();
    long[] products = new long[from.length];
    for (int i = 0, at = 0; i < d; i++) {
      for (int j = i; j < d; j++, at++) {
        products[at] =
            from[
                place(
                    Math.min(order.get(i), order.get(j)), Math.max(order.get(i), order.get(j)), d)];
      }
    }
    return FeatureStatistics.restore(d, statistics.classCounts(), sums, products);
  }

  /** In an upper triangle, row by row. */
  private static int place(int i, int j, int d) {
    return i * d - i * (i - 1) / 2 + j - i;
  }
}
