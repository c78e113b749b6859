package dev.perennial.server;

import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.client.Classification;
import dev.perennial.client.Example;
import dev.perennial.client.Examples;
import dev.perennial.client.Image;
import dev.perennial.client.Labels;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.StreamOptions;
import dev.perennial.client.StreamingClassifier;
import dev.perennial.client.TrainingListener;
import dev.perennial.client.TrainingOptions;
import dev.perennial.client.TrainingSpec;
import dev.perennial.server.device.DevicesConfig;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;

/**
 * A long run that must leave memory flat: a server with the built-in model and its client in one
 * process. Classify streams, unary calls, images that cannot be decoded, streams that are broken
 * off, and beside them tasks that are taught, replaced and deleted without end. From the folder
 * {@code server}, after {@code mvn test-compile}:
 *
 * <pre>
 * java -Xmx256m -Dai.djl.offline=true \
 *   -cp target/classes:target/test-classes:$(mvn -q dependency:build-classpath \
 *     -DincludeScope=test -Dmdep.outputFile=/dev/stdout) \
 *   dev.perennial.server.SoakBenchmark 100000
 * </pre>
 *
 * <p>Prints a row of figures twenty times; the heap is what a full collection leaves.
 */
final class SoakBenchmark implements AutoCloseable {
  private static final int ROWS = 20;
  private static final int STREAM_LENGTH = 64;
  private static final int CALLS = 8;
  private static final StreamOptions PATIENT = new StreamOptions(64, Duration.ofMinutes(10));

  /** Full early in the run; the usual bound would be filled for hours. */
  private static final long TEXT_CACHE_BYTES = 4 << 20;

  private static final Image BROKEN =
      Image.encoded("this is no image".getBytes(StandardCharsets.UTF_8));

  private record Domain(String name, List<Example> examples, Labels labels) {}

  private final List<Domain> domains;
  private final Server server =
      Server.start(ServerConfig.DEFAULT.onFreePort().withDevices(smallTextCache()));
  private final PerennialClient client =
      PerennialClient.builder()
          .target("127.0.0.1:" + server.port())
          .deadline(PATIENT.answerDeadline())
          .build();
  private long answers;
  private long refusals;
  private long brokenOff;
  private volatile long taught;
  private volatile boolean stopping;

  private SoakBenchmark() {
    domains = MiniMtil.tasks().stream().map(SoakBenchmark::domain).toList();
  }

  private static DevicesConfig smallTextCache() {
    DevicesConfig usual = DevicesConfig.DEFAULT;
    return new DevicesConfig(
        usual.devices(),
        usual.precision(),
        usual.maxBatchSize(),
        usual.maxQueueSize(),
        usual.maxQueueDelay(),
        usual.trainingShare(),
        usual.scoring(),
        TEXT_CACHE_BYTES);
  }

  private static Domain domain(MiniMtilTask task) {
    List<Example> examples = new ArrayList<>();
    for (LabelledImage drawn : task.images(MiniMtilTask.Split.TRAIN, 4, 1)) {
      examples.add(new Example(Image.png(drawn.png()), task.classNames().get(drawn.classIndex())));
    }
    Labels labels = Labels.of(task.classNames()).template(task.template()).top(3);
    return new Domain(task.name(), List.copyOf(examples), labels);
  }

  public static void main(String[] arguments) throws IOException, InterruptedException {
    long requests = Long.parseLong(arguments[0]);
    try (SoakBenchmark soak = new SoakBenchmark()) {
      Thread teacher = new Thread(soak::teach, "teacher");
      teacher.start();
      soak.run(requests);
      soak.stopping = true;
      teacher.join();
    }
  }

  private void run(long requests) throws IOException {
    System.out.println(
        "seconds requests refused cancelled taught resident_MB heap_MB direct_MB torch_values"
            + " threads open_files");
    long start = System.nanoTime();
    long sent = 0;
    for (int row = 1; row <= ROWS; row++) {
      while (sent < requests * row / ROWS) {
        Domain domain = domains.get((int) (sent % domains.size()));
        sent += stream(domain, false) + calls(domain) + stream(domain, true);
      }
      print((System.nanoTime() - start) * 1e-9);
    }
  }

  /** One stream, with a broken image in it; or broken off in its middle. */
  private int stream(Domain domain, boolean breakOff) {
    List<CompletableFuture<Classification>> asked = new ArrayList<>();
    try (StreamingClassifier stream = client.classifier(domain.labels(), PATIENT)) {
      for (int i = 0; i < STREAM_LENGTH; i++) {
        asked.add(stream.send(i == STREAM_LENGTH / 2 ? BROKEN : image(domain, i)));
      }
      if (breakOff) {
        asked.get(0).join();
        stream.cancel();
      }
      asked.forEach(this::count);
    }
    return STREAM_LENGTH;
  }

  private int calls(Domain domain) {
    List<CompletableFuture<Classification>> asked = new ArrayList<>();
    for (int i = 0; i < CALLS; i++) {
      Labels labels = i % 2 == 0 ? domain.labels() : Labels.of("one", "two " + answers);
      asked.add(client.classifyAsync(i == 0 ? BROKEN : image(domain, i), labels));
    }
    asked.forEach(this::count);
    return CALLS;
  }

  private static Image image(Domain domain, int i) {
    return domain.examples().get(i % domain.examples().size()).image();
  }

  private void count(CompletableFuture<Classification> answer) {
    try {
      answer.join();
      answers++;
    } catch (CompletionException e) {
      String failure = String.valueOf(e.getCause());
      if (failure.contains("INVALID_ARGUMENT")) {
        refusals++;
      } else if (failure.contains("CANCELLED")) {
        brokenOff++;
      } else {
        throw e;
      }
    }
  }

  /** Teaches one domain after the other, each twice, and deletes what was taught three before. */
  private void teach() {
    TrainingOptions quick =
        TrainingOptions.DEFAULTS.recipe(TrainingOptions.Recipe.OFFICIAL).epochs(1);
    for (int i = 0; !stopping; i++) {
      Domain domain = domains.get(i / 2 % domains.size());
      client
          .train(
              TrainingSpec.of(domain.name()).options(quick),
              Examples.of(domain.examples()),
              TrainingListener.NONE)
          .await();
      taught = i + 1L;
      if (i >= 6 && i % 2 == 0) {
        client.deleteTask(domains.get((i / 2 - 3) % domains.size()).name());
      }
    }
  }

  private void print(double seconds) throws IOException {
    System.gc();
    long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    long direct =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .mapToLong(BufferPoolMXBean::getMemoryUsed)
            .sum();
    System.out.printf(
        "%.0f %d %d %d %d %d %d %d %d %d %d%n",
        seconds,
        answers + refusals + brokenOff,
        refusals,
        brokenOff,
        taught,
        residentKilobytes() >> 10,
        heap >> 20,
        direct >> 20,
        TorchValue.liveCount(),
        ManagementFactory.getThreadMXBean().getThreadCount(),
        openFiles());
  }

  private static long residentKilobytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IllegalStateException("no VmRSS");
  }

  private static long openFiles() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }

  @Override
  public void close() {
    client.close();
    server.close();
  }
}
