package dev.perennial.server.pretraining;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ContrastiveTraining;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PretrainingTest {
  private static final int STEPS = 60;

  /** Collects the losses. */
  private static final class Losses implements Pretraining.Listener {
    private final List<Float> contrastive = new ArrayList<>();
    private final List<Integer> reports = new ArrayList<>();

    @Override
    public void step(int step, ContrastiveTraining.Step losses) {
      assertEquals(contrastive.size() + 1, step);
      contrastive.add(losses.contrastiveLoss());
    }

    private double mean(int from, int to) {
      return contrastive.subList(from, to).stream()
          .mapToDouble(Float::doubleValue)
          .average()
          .orElse(Double.NaN);
    }

    @Override
    public void report(int step, ZeroShotReport report) {
      reports.add(step);
    }
  }

  @Test
  void run_fewStepsTwice_sameFilesAndFallingLoss(@TempDir Path folder) throws IOException {
    Losses first = new Losses();
    Losses second = new Losses();
    ZeroShotReport report = new Pretraining(config(folder.resolve("a")), first).run();
    new Pretraining(config(folder.resolve("b")), second).run();
    assertEquals(STEPS, first.contrastive.size());
    assertEquals(List.of(40), first.reports);
    assertEquals(first.contrastive, second.contrastive);
    assertTrue(
        first.mean(STEPS - 10, STEPS) < first.mean(0, 10) - .1, () -> first.contrastive.toString());
    assertEquals(7, report.miniMtil().size());
    for (String file : List.of("model.safetensors", "config.json", "vocab.json", "README.md")) {
      assertArrayEquals(
          Files.readAllBytes(folder.resolve("a").resolve(file)),
          Files.readAllBytes(folder.resolve("b").resolve(file)),
          file);
    }
  }

  @Test
  void config_noSteps_refused(@TempDir Path folder) {
    assertThrows(
        IllegalArgumentException.class,
        () -> new Pretraining.Config(folder, null, "cpu", 0, null, 0, 16, 1e-3, 8));
  }

  private static Pretraining.Config config(Path out) {
    return new Pretraining.Config(out, null, "cpu", STEPS, null, 4, 16, 6e-3, 40);
  }
}
