package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.util.List;
import org.junit.jupiter.api.Test;

class EvalReportTest {
  private static final Protocol.Run FIRST =
      new Protocol.Run(
          0, List.of(50.0, 40.0), new AccuracyMatrix(new double[][] {{80, 42}, {78, 90}}));
  private static final Protocol.Run SECOND =
      new Protocol.Run(
          1, List.of(50.0, 40.0), new AccuracyMatrix(new double[][] {{82, 38}, {80, 92}}));

  private final EvalReport report =
      new EvalReport("mini-mtil", "diki", 50, List.of("one", "two"), List.of(FIRST, SECOND));

  @Test
  void json_twoRuns_holdsMeansAndEveryMatrix() {
    JsonObject diki = report.json().getAsJsonObject("methods").getAsJsonObject("diki");
    assertEquals(40, diki.get("transfer").getAsDouble(), 1e-9);
    assertEquals(85, diki.get("last").getAsDouble(), 1e-9);
    assertEquals((72.5 + 73) / 2, diki.get("avg").getAsDouble(), 1e-9);
    JsonObject second = diki.getAsJsonArray("runs").get(1).getAsJsonObject();
    assertEquals(1, second.get("seed").getAsLong());
    assertEquals(
        38, second.getAsJsonArray("matrix").get(0).getAsJsonArray().get(1).getAsDouble(), 1e-9);
  }

  @Test
  void json_zeroShot_repeatsTheAnswersBeforeTeaching() {
    JsonObject frozen = report.json().getAsJsonObject("methods").getAsJsonObject("zero-shot");
    assertEquals(40, frozen.get("transfer").getAsDouble(), 1e-9);
    assertEquals(45, frozen.get("avg").getAsDouble(), 1e-9);
    assertEquals(45, frozen.get("last").getAsDouble(), 1e-9);
  }

  @Test
  void table_twoRuns_hasARowPerStageAndMethod() {
    String table = report.table();
    assertTrue(table.contains("(nothing)"), table);
    assertTrue(table.lines().anyMatch(line -> line.matches("diki +40\\.0 +72\\.8 +85\\.0")), table);
    assertTrue(table.lines().anyMatch(line -> line.matches("zero-shot +40\\.0 .*")), table);
  }

  @Test
  void constructor_noRuns_isRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new EvalReport("mini-mtil", "diki", 50, List.of("one"), List.of()));
  }
}
