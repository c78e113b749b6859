package dev.perennial.server;

import dev.perennial.client.Classification;
import dev.perennial.client.Image;
import dev.perennial.client.Labels;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.StreamOptions;
import dev.perennial.client.StreamingClassifier;
import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.clip.RandomClip;
import dev.perennial.server.clip.RandomModelFiles;
import dev.perennial.server.device.DevicesConfig;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.gaussian.TaskGaussian;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.store.FileTaskStore;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;

/**
 * What a server costs beside its engine called directly, in one process and in turn: images a
 * second through gRPC with a full queue against the same batches without a server, and the latency
 * of a lone request against two forward passes of one image. Every image is in the domain of a
 * task, so that both passes run. PyTorch has one thread in both cases; the server's other threads
 * and the client have what else the machine has, and the table of CPU time says what they took.
 *
 * <p>The shape is ViT-B/16 with random weights (written below {@code target} once; JPEGs of 500 x
 * 375), or the built-in model (PNGs of 32 x 32). From the folder {@code server}, after {@code mvn
 * test-compile}:
 *
 * <pre>
 * java -Xmx3g -Dai.djl.offline=true -Dai.djl.pytorch.num_threads=1 \
 *   -cp target/classes:target/test-classes:$(mvn -q dependency:build-classpath \
 *     -DincludeScope=test -Dmdep.outputFile=/dev/stdout) \
 *   dev.perennial.server.ServedBenchmark vit-b-16 bf16 8 48 3
 * </pre>
 *
 * <p>Arguments: {@code vit-b-16} or {@code tiny}, {@code fp32} or {@code bf16}, the maximal batch
 * size, images a round, rounds.
 */
final class ServedBenchmark implements AutoCloseable {
  private static final StreamOptions WIDE_STREAM = new StreamOptions(256, Duration.ofMinutes(2));
  private static final int STREAMS = 2;
  private static final int WIDTH = 500;
  private static final int HEIGHT = 375;
  private static final int RECTANGLES = 60;

  /** Deviation of log-densities that lets every image of the benchmark into the task. */
  private static final double WIDE = 1e5;

  private static final Labels LABELS =
      Labels.of(IntStream.range(0, 100).mapToObj(k -> "a photo of number " + k).toList()).top(5);

  private final int batchSize;
  private final int rounds;
  private final List<byte[]> files = new ArrayList<>();
  private final List<float[]> pixels = new ArrayList<>();
  private final ClipModel engine;
  private final PrefixBank bank;
  private final Server server;
  private final PerennialClient client;

  private ServedBenchmark(
      boolean vitB16, Precision precision, int batchSize, int images, int rounds)
      throws IOException {
    this.batchSize = batchSize;
    this.rounds = rounds;
    ServerConfig config = ServerConfig.DEFAULT.onFreePort();
    if (vitB16) {
      config = config.withModel(model());
    }
    Path path = config.model();
    ModelDirectory model = path == null ? ModelDirectory.embedded() : ModelDirectory.open(path);
    ImageDecoder decoder = new ImageDecoder(ImageDecoder.Limits.DEFAULT);
    for (int i = 0; i < images; i++) {
      files.add(vitB16 ? picture(WIDTH, HEIGHT, "jpg", i) : picture(32, 32, "png", i));
      pixels.add(model.preprocessing().pixels(decoder.decode(files.get(i))));
    }
    engine = ClipModel.load(model, "cpu", precision);
    Path data = Path.of("target", "served-benchmark", model.fingerprint());
    TaskVersion task = task(model);
    try (FileTaskStore store = new FileTaskStore(data.resolve("tasks"));
        TaskPool pool = TaskPool.open(store, model.fingerprint(), model.config().embedDim())) {
      pool.publish(task);
    }
    bank = engine.bank(List.of(task.prefixes()));
    DevicesConfig devices =
        new DevicesConfig(
            List.of("cpu"),
            precision,
            batchSize,
            1024,
            Duration.ZERO,
            0.5,
            ScoringRule.DIKI,
            256L << 20);
    server = Server.start(config.withData(data).withDevices(devices));
    client =
        PerennialClient.builder()
            .target("127.0.0.1:" + server.port())
            .deadline(Duration.ofMinutes(2))
            .build();
  }

  public static void main(String[] arguments) throws IOException {
    try (ServedBenchmark benchmark =
        new ServedBenchmark(
            arguments[0].equals("vit-b-16"),
            arguments[1].equals("bf16") ? Precision.BF16 : Precision.FP32,
            Integer.parseInt(arguments[2]),
            Integer.parseInt(arguments[3]),
            Integer.parseInt(arguments[4]))) {
      benchmark.run();
    }
  }

  private void run() {
    served(); // warm, and the labels' texts are there
    direct();
    List<Double> ratios = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      Map<String, Double> before = cpuSeconds();
      double direct = seconds(this::direct);
      Map<String, Double> between = cpuSeconds();
      double served = seconds(this::served);
      Map<String, Double> after = cpuSeconds();
      ratios.add(direct / served);
      System.out.printf(
          "full queue: engine %.2f images/s, served %.2f images/s, ratio %.3f%n"
              + "  CPU seconds of the engine's %.2f: %s%n  CPU seconds of the server's %.2f: %s%n",
          files.size() / direct,
          files.size() / served,
          direct / served,
          direct,
          spent(before, between),
          served,
          spent(between, after));
    }
    System.out.printf("full queue, median ratio: %.3f%n", median(ratios));
    latency();
  }

  /** Each round an image alone, by the engine and by the server, in turn. */
  private void latency() {
    List<Double> direct = new ArrayList<>();
    List<Double> served = new ArrayList<>();
    for (int i = 0; i < 10 * rounds; i++) {
      int image = i % files.size();
      direct.add(
          seconds(
              () -> {
                pass(pixels.subList(image, image + 1), 0);
                pass(pixels.subList(image, image + 1), 1);
              }));
      served.add(seconds(() -> check(client.classify(Image.encoded(files.get(image)), LABELS))));
    }
    System.out.printf(
        "lone request, p50 of %d: two passes %.2f ms, served %.2f ms, ratio %.3f%n",
        direct.size(), 1e3 * median(direct), 1e3 * median(served), median(served) / median(direct));
  }

  /** Full batches of first passes, each followed by its second: what a server with a queue runs. */
  private void direct() {
    for (int from = 0; from < pixels.size(); from += batchSize) {
      List<float[]> batch = pixels.subList(from, Math.min(pixels.size(), from + batchSize));
      pass(batch, 0);
      pass(batch, 1);
    }
  }

  private void pass(List<float[]> batch, float gateWeight) {
    float[] gateWeights = new float[batch.size()];
    Arrays.fill(gateWeights, gateWeight);
    engine.imageFeatures(batch, bank, new int[batch.size()], gateWeights);
  }

  private void served() {
    List<StreamingClassifier> streams = new ArrayList<>();
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    for (int i = 0; i < STREAMS; i++) {
      streams.add(client.classifier(LABELS, WIDE_STREAM));
    }
    for (int i = 0; i < files.size(); i++) {
      answers.add(streams.get(i % STREAMS).send(Image.encoded(files.get(i))));
    }
    answers.forEach(answer -> check(answer.join()));
    streams.forEach(StreamingClassifier::close);
  }

  private static void check(Classification answer) {
    Classification.Routing routing = Objects.requireNonNull(answer.routing(), "routing");
    if (routing.gateWeight() < 0.5) {
      throw new IllegalStateException(
          "gate weight: " + routing.gateWeight() + " (expected: so high that both passes run)");
    }
  }

  private static double seconds(Runnable work) {
    long from = System.nanoTime();
    work.run();
    return (System.nanoTime() - from) * 1e-9;
  }

  /** CPU time of the live threads by what they are for. */
  private static Map<String, Double> cpuSeconds() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    Map<String, Double> seconds = new TreeMap<>();
    for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (thread != null) {
        String name = thread.getThreadName().replaceAll("[-0-9]+", " ").trim();
        seconds.merge(name, threads.getThreadCpuTime(thread.getThreadId()) * 1e-9, Double::sum);
      }
    }
    return seconds;
  }

  private static String spent(Map<String, Double> before, Map<String, Double> after) {
    return after.entrySet().stream()
        .map(e -> Map.entry(e.getKey(), e.getValue() - before.getOrDefault(e.getKey(), 0.0)))
        .filter(e -> e.getValue() >= 0.005)
        .map(e -> String.format(Locale.ROOT, "%s %.2f", e.getKey(), e.getValue()))
        .collect(Collectors.joining(", "));
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  private static Path model() throws IOException {
    Path directory = Path.of("target", "vit-b-16");
    return Files.exists(directory.resolve("model.safetensors"))
        ? directory
        : RandomModelFiles.writeVitB16(directory);
  }

  /** Coloured rectangles over each other. */
  private static byte[] picture(int width, int height, String format, int seed) {
    Random random = new Random(seed);
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    for (int i = 0; i < RECTANGLES; i++) {
      graphics.setColor(new Color(random.nextInt(1 << 24)));
      graphics.fillRect(
          random.nextInt(width), random.nextInt(height), width / 4, random.nextInt(height));
    }
    graphics.dispose();
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, format, file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file.toByteArray();
  }

  /** A task whose gate opens for the benchmark's images. */
  private TaskVersion task(ModelDirectory model) {
    int embedDim = model.config().embedDim();
    int seen = Math.min(batchSize, pixels.size());
    float[] features;
    try (PrefixBank empty = engine.bank(List.of())) {
      features =
          engine.imageFeatures(pixels.subList(0, seen), empty, new int[seen], new float[seen]);
    }
    FeatureStatistics statistics = FeatureStatistics.of(features, embedDim, new int[seen], 1);
    double logDensity =
        new TaskGaussian(statistics, new GateConstants(GateKind.ROBUST, 0, 1))
            .logDensity(features, 0);
    Prefixes prefixes = RandomClip.prefixes(model.config(), 8, 8, 0.1, 3);
    return new TaskVersion(
        "domain",
        List.of("one"),
        "{}",
        prefixes,
        statistics,
        new GateConstants(GateKind.ROBUST, logDensity, WIDE),
        new HeadConstants(0.5, logDensity, WIDE),
        Map.of(),
        Map.of(),
        1,
        model.fingerprint(),
        Instant.EPOCH);
  }

  @Override
  public void close() {
    client.close();
    server.close();
    bank.close();
    engine.close();
  }
}
