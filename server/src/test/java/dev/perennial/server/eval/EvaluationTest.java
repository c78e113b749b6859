package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(240)
class EvaluationTest {
  private final ScriptedMethod.Count count = new ScriptedMethod.Count();

  @TempDir Path directory;

  @Test
  void run_rowsAndSeeds_eachHasItsRunsInOrder() {
    EvalPlan plan = plan(50, "one", "two:gated=1:seeds=2");
    EvalResult result = run(plan, RunState.NONE, 2);
    assertEquals(List.of("one", "two:gated=1"), names(result));
    assertEquals(List.of(5L, 3L, 4L), seeds(result, 0));
    assertEquals(List.of(5L, 3L), seeds(result, 1));
    assertEquals(3, result.tasks().get(0).classes());
    assertEquals(12, result.tasks().get(0).testImages());
    assertEquals(5 * 2, count.learnt.get());
  }

  @Test
  void run_anyNumberOfWorkers_sameResult() {
    String alone = json(run(plan(50, "one", "two:gated=1"), RunState.NONE, 1));
    assertEquals(alone, json(run(plan(50, "one", "two:gated=1"), RunState.NONE, 3)));
  }

  /** What is done is not done again, and the result is that of a run in one go. */
  @Test
  void run_afterAFailureAtAnyPoint_goesOnAndEndsAlike() {
    String whole = json(run(plan(50, "one", "two:gated=1"), RunState.NONE, 1));
    int learningsInAll = count.learnt.get();
    for (int failAt = 0; failAt < learningsInAll; failAt++) {
      count.learnt.set(0);
      count.failAt = failAt;
      RunState state = state("at" + failAt, plan(50, "one", "two:gated=1"));
      IllegalStateException failure =
          assertThrows(
              IllegalStateException.class, () -> run(plan(50, "one", "two:gated=1"), state, 1));
      assertEquals("scripted failure", failure.getMessage());
      count.failAt = -1;
      count.learnt.set(0);
      assertEquals(whole, json(run(plan(50, "one", "two:gated=1"), state, 1)));
      assertEquals(learningsInAll - failAt / 2 * 2, count.learnt.get());
    }
  }

  @Test
  void run_stateOfFewerRowsAndSeeds_doesOnlyWhatIsNew() {
    RunState state = state("s", plan(50, "one"));
    run(plan(50, "one"), state, 1);
    count.learnt.set(0);
    AtomicInteger doneBefore = new AtomicInteger();
    EvalPlan more = plan(50, "one", "two");
    Evaluation.run(
        more,
        state,
        1,
        0,
        new Silent() {
          @Override
          public void started(int stages, int done) {
            doneBefore.set(done);
            assertEquals(6 * 3, stages);
          }
        });
    assertEquals(3 * 3, doneBefore.get());
    assertEquals(3 * 2, count.learnt.get());
  }

  @Test
  void run_damagedFileInTheState_isDoneAgain() throws Exception {
    RunState state = state("s", plan(50, "one"));
    run(plan(50, "one"), state, 1);
    try (var files = Files.list(directory.resolve("s"))) {
      for (Path file : files.filter(f -> f.getFileName().toString().startsWith("run-")).toList()) {
        Files.writeString(file, "{\"seed\": 5");
      }
    }
    count.learnt.set(0);
    run(plan(50, "one"), state, 1);
    assertEquals(3 * 2, count.learnt.get());
  }

  @Test
  void open_stateOfOtherShots_refusedWithBoth() {
    state("s", plan(50, "one"));
    ServingException refusal =
        assertThrows(ServingException.class, () -> state("s", plan(16, "one")));
    assertEquals("STATE_OF_ANOTHER_RUN", refusal.reason());
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.contains("shots 50 (expected: 16"), message);
  }

  @Test
  void plan_unknownTaskOrDoubleMethod_refused() {
    assertThrows(ServingException.class, () -> plan(50, "one", "one"));
    assertThrows(
        ServingException.class,
        () ->
            new EvalPlan(
                new Pictures.FakeSuite("a"),
                List.of("b"),
                0,
                0,
                LabelSpace.Kind.TASK,
                EvalPlan.ScoreOn.TEST,
                Pictures.ENGINE,
                List.of(0L),
                List.of(ScriptedMethod.row(count, "one"))));
  }

  @Test
  void tasks_scoreOnValidation_holdOutAFifthAndNoTestPicture() {
    EvalPlan plan =
        new EvalPlan(
            new Pictures.FakeSuite("a"),
            List.of("a"),
            10,
            0,
            LabelSpace.Kind.TASK,
            EvalPlan.ScoreOn.VALIDATION,
            Pictures.ENGINE,
            List.of(0L),
            List.of(ScriptedMethod.row(count, "one")));
    var original = Pictures.task("a", 10, 4);
    var task = plan.tasks(0).get(0);
    assertEquals(24, task.train().size());
    assertEquals(6, task.test().size());
    assertEquals(30, original.train().size());
    task.test().forEach(picture -> assertTrue(!task.train().contains(picture)));
  }

  private EvalPlan plan(int shots, String... rows) {
    return new EvalPlan(
        new Pictures.FakeSuite("a", "b"),
        List.of("b", "a"),
        shots,
        0,
        LabelSpace.Kind.TASK,
        EvalPlan.ScoreOn.TEST,
        Pictures.ENGINE,
        List.of(5L, 3L, 4L),
        List.of(rows).stream().map(row -> ScriptedMethod.row(count, row)).toList());
  }

  private RunState state(String name, EvalPlan plan) {
    return RunState.open(directory.resolve(name), plan.conditions());
  }

  private static EvalResult run(EvalPlan plan, RunState state, int workers) {
    return Evaluation.run(plan, state, workers, 0, new Silent());
  }

  private static String json(EvalResult result) {
    return ResultJson.write(result, Map.of()).toString();
  }

  private static List<String> names(EvalResult result) {
    return result.runs().keySet().stream().map(EvalRow::name).toList();
  }

  private static List<Long> seeds(EvalResult result, int row) {
    return List.copyOf(result.runs().values()).get(row).stream().map(MethodRun::seed).toList();
  }

  /** Hears nothing. */
  private static class Silent implements Evaluation.Listener {
    @Override
    public void started(int stages, int done) {}

    @Override
    public void learning(EvalRow row, long seed, EvalTask task, double share, String figures) {}

    @Override
    public void tested(EvalRow row, long seed, int learnt, double[] accuracies) {}
  }
}
