package dev.perennial.server;

import dev.perennial.client.Image;
import dev.perennial.client.Labels;
import dev.perennial.client.PerennialClient;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.RandomModelFiles;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * What many tasks cost one server: disk, time to start, heap, resident memory. Tasks have
 * ViT-B/16's size (depth 8, 8 prefixes in both towers, 20 classes, d = 512) and random contents;
 * they and the model are written below {@code target} once. From the folder {@code server}, after
 * {@code mvn test-compile}:
 *
 * <pre>
 * java -Xmx8g -XX:+UseSerialGC -Dai.djl.offline=true -Dai.djl.pytorch.num_threads=1 \
 *   -cp target/classes:target/test-classes:$(mvn -q dependency:build-classpath \
 *     -DincludeScope=test -Dmdep.outputFile=/dev/stdout) \
 *   dev.perennial.server.ManyTasksBenchmark 1000
 * </pre>
 */
final class ManyTasksBenchmark {
  private static final double MB = 1e6;

  private ManyTasksBenchmark() {}

  public static void main(String[] arguments) throws IOException {
    int tasks = Integer.parseInt(arguments[0]);
    Path directory = Path.of("target", "vit-b-16");
    Path modelPath =
        Files.exists(directory.resolve("model.safetensors"))
            ? directory
            : RandomModelFiles.writeVitB16(directory);
    Path data = Path.of("target", "many-tasks-" + tasks);
    if (!Files.exists(data)) {
      new ManyTasks(ModelDirectory.open(modelPath)).write(data, tasks);
    }
    System.out.printf(
        Locale.ROOT,
        "%d tasks, disk %.0f MB, manifest %.1f kB%n",
        tasks,
        bytes(data) / MB,
        Files.size(data.resolve("tasks/manifest.json")) / 1e3);
    long began = System.nanoTime();
    ServerConfig config = ServerConfig.DEFAULT.onFreePort().withModel(modelPath).withData(data);
    try (Server server = Server.start(config);
        PerennialClient client =
            PerennialClient.builder()
                .target("127.0.0.1:" + server.port())
                .deadline(Duration.ofMinutes(5))
                .build()) {
      System.out.printf(Locale.ROOT, "ready after %.1f s%n", (System.nanoTime() - began) / 1e9);
      memory("ready");
      for (int i = 0; i < 2; i++) {
        long asked = System.nanoTime();
        client.classify(picture(i), Labels.ofTask("task-" + i));
        System.out.printf(Locale.ROOT, "answer in %.2f s%n", (System.nanoTime() - asked) / 1e9);
      }
      memory("after two answers");
    }
  }

  private static Image picture(int seed) {
    return Image.encoded(TestImages.file("png", TestImages.noise(224, 224, 0x808080, seed)));
  }

  private static void memory(String when) throws IOException {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      System.out.printf(
          Locale.ROOT,
          "%s: heap %.0f MB, %s%n",
          when,
          heap / MB,
          lines.filter(line -> line.startsWith("VmRSS")).findFirst().orElse(""));
    }
  }

  private static long bytes(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }
}
