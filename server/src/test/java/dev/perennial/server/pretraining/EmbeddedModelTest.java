package dev.perennial.server.pretraining;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The model that ships is the one that its card speaks of. */
class EmbeddedModelTest {
  private static ZeroShotReport report = new ZeroShotReport(0, 0, 0, 0, 0, Map.of());

  @BeforeAll
  static void measure() {
    ModelDirectory directory = ModelDirectory.embedded();
    try (ClipModel model = ClipModel.load(directory, "cpu", Precision.FP32);
        PrefixBank noTasks = model.bank(List.of())) {
      report = ZeroShotReport.of(Encoders.of(directory, model, noTasks));
    }
  }

  @Test
  void embedded_miniMtil_leavesRoomToLearnAndKnowsSomething() {
    double mean = report.miniMtilMean();
    assertTrue(mean >= 45 && mean <= 60, report::summary);
  }

  @Test
  void embedded_heldOutPairs_nearlyAsGoodAsSeenOnes() {
    assertTrue(report.heldOutPair() > 40, report::summary);
    assertTrue(report.heldOutPair() > report.seenPair() - 12, report::summary);
  }
}
