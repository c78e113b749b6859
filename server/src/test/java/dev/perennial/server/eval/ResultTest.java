package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import dev.perennial.server.eval.report.ResultsPage;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Two runs of one row, in every form. */
class ResultTest {
  private static final MethodRun FIRST =
      new MethodRun(
          0,
          new double[] {50, 40},
          new AccuracyMatrix(new double[][] {{80, 42}, {78, 90}}),
          new MethodRun.Routing(new Double[][] {{100.0, null}, {99.0, 98.0}}),
          new MethodRun.Gate(
              new double[][] {{0.9, 0.1}, {0.9, 0.8}},
              new long[MethodRun.BINS],
              new long[MethodRun.BINS]),
          reliability(0.8f),
          costs());
  private static final MethodRun SECOND =
      new MethodRun(
          1,
          new double[] {50, 40},
          new AccuracyMatrix(new double[][] {{82, 38}, {80, 92}}),
          null,
          null,
          reliability(0.6f),
          costs());

  private final EvalResult result = result(List.of(FIRST, SECOND), "a", "b");

  @Test
  void json_twoRuns_meansDeviationsAndEveryMatrix() {
    JsonObject method = method(result);
    assertEquals(40, method.get("transfer").getAsDouble(), 1e-9);
    assertEquals(Math.sqrt(8), method.get("transfer_std").getAsDouble(), 1e-9);
    assertEquals((72.5 + 73) / 2, method.get("avg").getAsDouble(), 1e-9);
    assertEquals(85, method.get("last").getAsDouble(), 1e-9);
    assertEquals(-2, method.get("backward_transfer").getAsDouble(), 1e-9);
    assertEquals(2, method.get("forgetting").getAsDouble(), 1e-9);
    assertEquals((80 + 84 + 82 + 86) / 4.0, method.get("learnt").getAsDouble(), 1e-9);
    assertEquals(40, method.get("unlearnt").getAsDouble(), 1e-9);
    assertEquals(30, method.get("calibration_error").getAsDouble(), 1e-4);
    assertEquals(30, method.get("calibration_error_learnt").getAsDouble(), 1e-4);
    assertTrue(method.get("calibration_error_unlearnt").isJsonNull());
    assertEquals(0, method.get("area_under_risk").getAsDouble(), 0);
    assertEquals(10, method.get("parameters_per_task").getAsDouble(), 1e-9);
    assertEquals(3, method.get("train_seconds").getAsDouble(), 1e-9);
    assertEquals("a test", method.get("source").getAsString());
    JsonObject second = method.getAsJsonArray("runs").get(1).getAsJsonObject();
    assertEquals(1, second.get("seed").getAsLong());
    assertEquals(
        38, second.getAsJsonArray("matrix").get(0).getAsJsonArray().get(1).getAsDouble(), 1e-9);
    assertTrue(second.get("routing_accuracy").isJsonNull());
  }

  @Test
  void json_oneTaskAndRun_undefinedFiguresAreNull() {
    MethodRun one =
        new MethodRun(
            0,
            new double[] {50},
            new AccuracyMatrix(new double[][] {{80}}),
            null,
            null,
            reliability(0.8f),
            costs().subList(0, 1));
    JsonObject method = method(result(List.of(one), "a"));
    assertTrue(method.get("transfer").isJsonNull());
    assertTrue(method.get("forgetting").isJsonNull());
    assertEquals(80, method.get("last").getAsDouble(), 1e-9);
    assertFalse(method.has("last_std"));
  }

  /** What an interrupted run keeps loses nothing. */
  @Test
  void read_writtenRun_isTheSame() {
    for (MethodRun run : List.of(FIRST, SECOND)) {
      String text = RunJson.write(run).toString();
      MethodRun read = RunJson.read(text).orElseThrow();
      assertEquals(text, RunJson.write(read).toString());
      assertEquals(run.tasks(), read.tasks());
    }
    assertEquals(
        98.0,
        Objects.requireNonNull(
                RunJson.read(RunJson.write(FIRST).toString()).orElseThrow().routing())
            .accuracy()[1][1]);
  }

  @Test
  void page_ofTheJson_takesIt() {
    JsonObject json = ResultJson.write(result, Map.of("perennial", "1"));
    assertTrue(ResultsPage.of(json).html().contains("one"));
  }

  @Test
  void csv_everyCell_oneLine() {
    List<String> lines = ResultCsv.write(result).lines().toList();
    assertEquals(1 + 2 * 3 * 2, lines.size());
    assertEquals("fake,task,50,one,0,0,,a,50.0000,,", lines.get(1));
    assertEquals("fake,task,50,one,0,1,a,b,42.0000,,0.1000", lines.get(4));
    assertEquals("fake,task,50,one,0,2,b,b,90.0000,98.0000,0.8000", lines.get(6));
    assertEquals("fake,task,50,one,1,2,b,b,92.0000,,", lines.get(12));
  }

  @Test
  void table_twoRuns_matrixOfTheFirstAndALineForTheMethod() {
    String table = ResultTable.write(result);
    assertTrue(table.lines().anyMatch(line -> line.matches("\\(nothing\\) +50\\.0 +40\\.0")));
    assertTrue(table.lines().anyMatch(line -> line.matches("b +78\\.0 +90\\.0")), table);
    assertTrue(
        table
            .lines()
            .anyMatch(line -> line.matches("one +40\\.0 +72\\.8 +85\\.0 +-2\\.0 +2\\.0 .* 2")),
        table);
  }

  private static JsonObject method(EvalResult result) {
    return ResultJson.write(result, Map.of()).getAsJsonObject("methods").getAsJsonObject("one");
  }

  private static EvalResult result(List<MethodRun> runs, String... tasks) {
    EvalRow row = ScriptedMethod.row(new ScriptedMethod.Count(), "one");
    EvalPlan plan =
        new EvalPlan(
            new Pictures.FakeSuite(tasks),
            List.of(tasks),
            50,
            0,
            LabelSpace.Kind.TASK,
            EvalPlan.ScoreOn.TEST,
            Pictures.ENGINE,
            runs.stream().map(MethodRun::seed).toList(),
            List.of(row));
    List<EvalResult.TaskFacts> facts =
        List.of(tasks).stream().map(task -> new EvalResult.TaskFacts(task, 3, 12)).toList();
    return new EvalResult(plan, facts, Map.of(row, runs));
  }

  /** One right answer. */
  private static Reliability reliability(float confidence) {
    Reliability.Collector collector = new Reliability.Collector();
    collector.add(confidence, true, true);
    return collector.done();
  }

  private static List<MethodRun.TaskCost> costs() {
    return List.of(new MethodRun.TaskCost("a", 10, 2, 15), new MethodRun.TaskCost("b", 10, 4, 7.5));
  }
}
