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
import org.junit.jupiter.api.Test;

/** Thousands of calls leave no native value behind, and the process does not grow. */
class NativeMemoryTest {
  private static final int ROUNDS = 500;

  /** A leak of ten kilobytes a call would show. */
  private static final long MAX_GROWTH_KB = 24 << 10;

  private final TinyClip random = new TinyClip(1);

  @Test
  void calls_thousands_leaveMemoryFlat() throws IOException {
    Golden golden = new Golden("quick-gelu");
    long atStart = TorchValue.liveCount();
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixTraining training =
            PrefixTraining.start(model, new PrefixShape(2, 4), golden.tokens(), 1)) {
      for (int i = 0; i < 100; i++) {
        round(golden, model, training);
      }
      long values = TorchValue.liveCount();
      long resident = residentKilobytes();
      for (int i = 0; i < ROUNDS; i++) {
        round(golden, model, training);
      }
      assertEquals(values, TorchValue.liveCount());
      long growth = residentKilobytes() - resident;
      assertTrue(growth < MAX_GROWTH_KB, "grown by " + growth + " kB");
    }
    assertEquals(atStart, TorchValue.liveCount());
  }

  /** One of each call. */
  private static void round(Golden golden, ClipModel model, PrefixTraining training) {
    List<Prefixes> tasks = List.of(golden.task(0), golden.task(1));
    int[] slots = {0, 1, 0, 1};
    try (PrefixBank bank = model.bank(tasks)) {
      model.imageFeatures(golden.pixels(), bank, slots, gates(4, 0.5f));
      model.imageFeatures(golden.pixels(), bank, slots, gates(4, 0));
      model.textFeatures(golden.tokens().subList(0, 4), bank, slots, gates(4, 1));
    }
    training.step(golden.pixels(), golden.integers("classes"), 0.01f);
    training.logits(golden.pixels());
  }

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
