package dev.perennial.server.device;

import com.sun.management.OperatingSystemMXBean;
import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.clip.RandomClip;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.gaussian.TaskGaussian;
import dev.perennial.server.task.InMemoryTaskStore;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersion;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/**
 * What {@link Devices} cost beside the model called directly with the same batches: throughput with
 * a full queue, and the latency of a lone request against two forward passes. Random weights; every
 * image belongs to a task, so takes both passes. From the folder {@code server}, after {@code mvn
 * test-compile}:
 *
 * <pre>
 * java -cp target/classes:target/test-classes:$(mvn -q dependency:build-classpath \
 *     -DincludeScope=test -Dmdep.outputFile=/dev/stdout) \
 *   dev.perennial.server.device.DevicesBenchmark [tiny|small|vit-b-16] [fp32|bf16] [batch] [images] [rounds]
 * </pre>
 */
final class DevicesBenchmark {
  private static final int LABELS = 100;
  private static final float GATE_WEIGHT = 0.99f;

  private final ClipConfig clip;
  private final Precision precision;
  private final int batch;
  private final ClipModel model;
  private final List<float[]> images = new ArrayList<>();
  private final LabelSet labels;
  private final TaskVersion task;

  private DevicesBenchmark(ClipConfig clip, Precision precision, int batch, int count) {
    this.clip = clip;
    this.precision = precision;
    this.batch = batch;
    this.model = RandomClip.load(clip, "cpu", precision, 1);
    this.labels = RandomClip.labels(clip, LABELS, 1);
    for (int i = 0; i < count; i++) {
      images.add(RandomClip.image(clip, "domain", i));
    }
    this.task = version();
  }

  public static void main(String[] arguments) {
    List<String> given = new ArrayList<>(List.of("tiny", "fp32", "32", "2048", "5"));
    for (int i = 0; i < arguments.length; i++) {
      given.set(i, arguments[i]);
    }
    new DevicesBenchmark(
            shape(given.get(0)),
            given.get(1).equals("bf16") ? Precision.BF16 : Precision.FP32,
            Integer.parseInt(given.get(2)),
            Integer.parseInt(given.get(3)))
        .run(Integer.parseInt(given.get(4)));
  }

  private static ClipConfig shape(String name) {
    return switch (name) {
      case "tiny" -> RandomClip.tiny();
      case "small" -> RandomClip.small();
      case "vit-b-16" -> RandomClip.vitB16();
      default -> throw new IllegalArgumentException("shape: " + name);
    };
  }

  private void run(int rounds) {
    TaskPool pool = TaskPool.open(new InMemoryTaskStore(), FakeWorld.BACKBONE, clip.embedDim());
    pool.publish(task);
    DevicesConfig config =
        new DevicesConfig(
            List.of("cpu"), precision, batch, images.size() + 1, Duration.ZERO, 0.5, 256L << 20);
    try (PrefixBank bank = model.bank(List.of(task.prefixes()));
        Devices devices =
            new Devices(
                device -> () -> ClipEncoder.of(RandomClip.load(clip, device, precision, 1)),
                clip,
                FakeWorld.TOKENIZER,
                pool,
                config,
                System::nanoTime)) {
      devices.start();
      throughput(devices); // warm, and the labels' texts are there
      direct(bank);
      List<Double> ratios = new ArrayList<>();
      List<Double> cpuRatios = new ArrayList<>();
      for (int round = 0; round < rounds; round++) {
        Spent direct = spent(() -> direct(bank));
        Spent served = spent(() -> throughput(devices));
        ratios.add(direct.seconds() / served.seconds());
        cpuRatios.add(direct.cpuSeconds() / served.cpuSeconds());
        System.out.printf(
            "throughput: direct %.1f images/s, served %.1f images/s, ratio %.3f (CPU time %.3f)%n",
            images.size() / direct.seconds(),
            images.size() / served.seconds(),
            ratios.get(round),
            cpuRatios.get(round));
      }
      System.out.printf(
          "throughput ratio, median: %.3f (CPU time %.3f)%n", median(ratios), median(cpuRatios));
      latency(devices, bank, rounds * 20);
      System.out.println(devices.stats().get(0));
    }
  }

  private void latency(Devices devices, PrefixBank bank, int requests) {
    List<Double> direct = new ArrayList<>();
    List<Double> served = new ArrayList<>();
    double directCpu = 0;
    double servedCpu = 0;
    for (int i = 0; i < requests; i++) {
      float[] image = images.get(i % images.size());
      Spent alone =
          spent(
              () -> {
                pass(bank, List.of(image), 0);
                pass(bank, List.of(image), GATE_WEIGHT);
              });
      Spent asked = spent(() -> classify(devices, image).join());
      direct.add(alone.seconds());
      served.add(asked.seconds());
      directCpu += alone.cpuSeconds();
      servedCpu += asked.cpuSeconds();
    }
    System.out.printf(
        "lone request, p50: two passes %.2f ms, served %.2f ms, ratio %.3f (CPU time %.3f)%n",
        1e3 * median(direct),
        1e3 * median(served),
        median(served) / median(direct),
        servedCpu / directCpu);
  }

  /** Both passes of all images in full batches, with half of each batch in either pass. */
  private void direct(PrefixBank bank) {
    int half = Math.max(1, batch / 2);
    for (int from = 0; from < images.size(); from += half) {
      List<float[]> pixels = new ArrayList<>();
      for (int pass = 0; pass < 2; pass++) {
        pixels.addAll(images.subList(from, Math.min(images.size(), from + half)));
      }
      float[] gateWeights = new float[pixels.size()];
      Arrays.fill(gateWeights, pixels.size() / 2, pixels.size(), GATE_WEIGHT);
      model.imageFeatures(pixels, bank, new int[pixels.size()], gateWeights);
    }
  }

  private void pass(PrefixBank bank, List<float[]> pixels, float gateWeight) {
    float[] gateWeights = new float[pixels.size()];
    Arrays.fill(gateWeights, gateWeight);
    model.imageFeatures(pixels, bank, new int[pixels.size()], gateWeights);
  }

  private void throughput(Devices devices) {
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    for (float[] image : images) {
      answers.add(classify(devices, image));
    }
    answers.forEach(CompletableFuture::join);
  }

  private CompletableFuture<Classification> classify(Devices devices, float[] image) {
    return devices.classify(
        new ImageQuery(image, new Candidates.Explicit(labels), Long.MAX_VALUE, "source"));
  }

  /** Time on the clock, and of all the process's threads, which a busy machine does not stretch. */
  private record Spent(double seconds, double cpuSeconds) {}

  private static Spent spent(Runnable work) {
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    long cpuFrom = system.getProcessCpuTime();
    double seconds = seconds(work);
    return new Spent(seconds, (system.getProcessCpuTime() - cpuFrom) * 1e-9);
  }

  private static double seconds(Runnable work) {
    long from = System.nanoTime();
    work.run();
    return (System.nanoTime() - from) * 1e-9;
  }

  private static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    return sorted.get(sorted.size() / 2);
  }

  /** A task whose gate opens for the domain's images. */
  private TaskVersion version() {
    int embedDim = clip.embedDim();
    int seen = Math.min(16, images.size());
    float[] features;
    try (PrefixBank empty = model.bank(List.of())) {
      features =
          model.imageFeatures(images.subList(0, seen), empty, new int[seen], new float[seen]);
    }
    Random random = new Random(2);
    float[] rows = new float[3 * embedDim * embedDim];
    for (int i = 0; i < rows.length; i++) {
      int of = (i / embedDim) % seen;
      rows[i] = features[of * embedDim + i % embedDim] + 0.01f * (float) random.nextGaussian();
    }
    FeatureStatistics statistics = FeatureStatistics.of(rows, embedDim, new int[3 * embedDim], 1);
    double logDensity =
        new TaskGaussian(statistics, new GateConstants(GateKind.ROBUST, 0, 1))
            .logDensity(features, 0);
    Prefixes prefixes = RandomClip.prefixes(clip, 8, 8, 0.1, 3);
    return new TaskVersion(
        "domain",
        List.of("one"),
        "{}",
        prefixes,
        statistics,
        new GateConstants(GateKind.ROBUST, logDensity, 100),
        new HeadConstants(0.5, logDensity, 100),
        Map.of(),
        Map.of(),
        1,
        FakeWorld.BACKBONE,
        Instant.EPOCH);
  }
}
