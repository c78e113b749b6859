package dev.perennial.server.cli;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How fast the image tower is without a server: full batches, one after the other, on the calling
 * thread.
 *
 * @param imagesPerSecond one pass over each, frozen
 */
record EngineMeasurement(
    String device, Precision precision, int batchSize, double imagesPerSecond) {
  private static final int WARM_UP_BATCHES = 5;

  /** Measures for about the given time. */
  static EngineMeasurement run(
      ModelDirectory model,
      String device,
      Precision precision,
      int batchSize,
      List<float[]> pixels,
      Duration time) {
    try (ClipModel engine = ClipModel.load(model, device, precision);
        PrefixBank noTasks = engine.bank(List.of())) {
      List<float[]> batch = Collections.nCopies(batchSize, pixels.get(0));
      int[] slots = new int[batchSize];
      float[] gateWeights = new float[batchSize];
      for (int i = 0; i < WARM_UP_BATCHES; i++) {
        engine.imageFeatures(batch, noTasks, slots, gateWeights);
      }
      long start = System.nanoTime();
      long elapsed = 0;
      long images = 0;
      while (elapsed < time.toNanos()) {
        batch = next(pixels, images, batchSize);
        engine.imageFeatures(batch, noTasks, slots, gateWeights);
        images += batchSize;
        elapsed = System.nanoTime() - start;
      }
      return new EngineMeasurement(device, precision, batchSize, images * 1e9 / elapsed);
    }
  }

  private static List<float[]> next(List<float[]> pixels, long from, int batchSize) {
    float[][] batch = new float[batchSize][];
    for (int i = 0; i < batchSize; i++) {
      batch[i] = pixels.get((int) ((from + i) % pixels.size()));
    }
    return List.of(batch);
  }

  /** For programs. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("device", device);
    json.put("precision", precision.name());
    json.put("batch_size", batchSize);
    json.put("images_per_second", imagesPerSecond);
    json.put("ms_per_batch", 1e3 * batchSize / imagesPerSecond);
    return json;
  }

  /** For people. */
  String line() {
    return String.format(
        Locale.ROOT,
        "  %-13s %.1f images/s in full batches of %d on %s, %s (%.2f ms a batch)%n",
        "engine alone",
        imagesPerSecond,
        batchSize,
        device,
        precision,
        1e3 * batchSize / imagesPerSecond);
  }
}
