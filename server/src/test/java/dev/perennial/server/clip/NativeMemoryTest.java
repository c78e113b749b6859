package dev.perennial.server.clip;

import static dev.perennial.server.clip.Golden.gates;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.task.PrefixShape;
import dev.perennial.server.task.Prefixes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Thousands of calls leave no native value behind, and the process does not grow. */
class NativeMemoryTest {
  private static final int ROUNDS = 300;

  /** A leak of ten kilobytes a call would show. */
  private static final long MAX_GROWTH_KB = 24 << 10;

  private final TinyClip random = new TinyClip(1);

  /** A process by itself, whose heap is all there from the start: it cannot be what grows. */
  static final class Alone {
    private Alone() {}

    public static void main(String[] arguments) throws IOException {
      callThousands();
    }
  }

  @Test
  void calls_thousands_leaveMemoryFlat(@TempDir Path directory) throws Exception {
    Path said = directory.resolve("said");
    Process alone =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms256m",
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:+AlwaysPreTouch",
                "-Dai.djl.offline=true",
                "-cp",
                System.getProperty("java.class.path"),
                Alone.class.getName())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    assertEquals(0, alone.waitFor(), Files.readString(said));
  }

  private static void callThousands() throws IOException {
    Golden golden = new Golden("quick-gelu");
    Inputs inputs =
        new Inputs(
            golden.pixels(),
            golden.tokens().subList(0, 4),
            golden.integers("classes"),
            golden.tasks());
    long atStart = TorchValue.liveCount();
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixTraining training =
            PrefixTraining.start(model, new PrefixShape(2, 4), golden.tokens(), 1)) {
      for (int i = 0; i < 100; i++) {
        round(inputs, i, model, training);
      }
      long values = TorchValue.liveCount();
      long resident = residentKilobytes();
      for (int i = 0; i < ROUNDS; i++) {
        round(inputs, i, model, training);
      }
      assertEquals(values, TorchValue.liveCount());
      long growth = residentKilobytes() - resident;
      assertTrue(growth < MAX_GROWTH_KB, "grown by " + growth + " kB");
    }
    assertEquals(atStart, TorchValue.liveCount());
  }

  /** One of each call; every second bank shares a task with the bank before. */
  private static void round(Inputs in, int number, ClipModel model, PrefixTraining training) {
    List<Prefixes> tasks = List.of(in.tasks.get(number % 2), in.tasks.get(2));
    int[] slots = {0, 1, 0, 1};
    try (PrefixBank first = model.bank(tasks);
        PrefixBank bank = model.bank(in.tasks.subList(1, 3))) {
      model.imageFeatures(in.pixels, first, slots, gates(4, 0.5f));
      model.imageFeatures(in.pixels, bank, slots, gates(4, 0));
      model.textFeatures(in.tokens, bank, slots, gates(4, 1));
    }
    training.step(in.pixels, in.classes, 0.01f);
    training.logits(in.pixels);
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Inputs(
      List<float[]> pixels, List<int[]> tokens, int[] classes, List<Prefixes> tasks) {}

  @Test
  void contrastiveSteps_hundreds_leaveNoValueBehind() {
    Golden golden = new Golden("one-layer");
    long atStart = TorchValue.liveCount();
    try (ContrastiveTraining training = ContrastiveTraining.start(golden.config, "cpu", 1)) {
      ContrastiveTrainingTest.step(training, golden);
      long values = TorchValue.liveCount();
      for (int i = 0; i < 200; i++) {
        ContrastiveTrainingTest.step(training, golden);
        training.textFeatures(golden.tokens());
      }
      assertEquals(values, TorchValue.liveCount());
    }
    assertEquals(atStart, TorchValue.liveCount());
  }

  @Test
  void calls_thatFail_leaveNoValueBehind() {
    long atStart = TorchValue.liveCount();
    try (ClipModel model = TinyClip.load(Precision.FP32);
        PrefixBank bank = model.bank(List.of(random.prefixes(1, 2)))) {
      long values = TorchValue.liveCount();
      for (int i = 0; i < 20; i++) {
        assertThrows(
            RuntimeException.class,
            () -> model.imageFeatures(random.images(2), bank, new int[] {0, 7}, gates(2, 1)));
        assertThrows(
            RuntimeException.class,
            () -> model.textFeatures(List.of(new int[] {999}), bank, new int[1], gates(1, 1)));
        assertThrows(
            RuntimeException.class,
            () ->
                PrefixTraining.start(model, new PrefixShape(1, 1), List.of(new int[] {-1}), 1)
                    .close());
      }
      assertEquals(values, TorchValue.liveCount());
      Golden golden = new Golden("one-layer");
      assertThrows(
          RuntimeException.class,
          () -> ContrastiveTraining.from(golden.config, "cpu", Map.of()).close());
      assertThrows(
          RuntimeException.class,
          () -> ContrastiveTraining.start(golden.config, "cuda:999", 1).close());
      assertEquals(values, TorchValue.liveCount());
    }
    assertEquals(atStart, TorchValue.liveCount());
  }

  private static long residentKilobytes() throws IOException {
    System.gc();
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new AssertionError("no VmRSS");
  }
}
