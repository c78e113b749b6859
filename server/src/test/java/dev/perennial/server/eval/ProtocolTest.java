package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Three tasks of three classes, four test pictures each; label 0 is right for a third. */
class ProtocolTest {
  private static final double THIRD = 100 / 3.0;

  @Test
  void run_method_fillsTheMatrixStageByStage() {
    MethodRun run = run("plain", LabelSpace.Kind.TASK);
    assertEquals(7, run.seed());
    assertArrayEquals(new double[] {THIRD, THIRD, THIRD}, run.zeroShot(), 1e-9);
    assertArrayEquals(new double[] {100, THIRD, THIRD}, run.matrix().rows()[0], 1e-9);
    assertArrayEquals(new double[] {100, 100, THIRD}, run.matrix().rows()[1], 1e-9);
    assertArrayEquals(new double[] {100, 100, 100}, run.matrix().rows()[2], 1e-9);
    assertNull(run.routing());
    assertNull(run.gate());
  }

  /** In the union label 0 is a class of the first task alone. */
  @Test
  void run_unionLabels_othersAreNeverRightByChance() {
    MethodRun run = run("plain", LabelSpace.Kind.UNION);
    assertArrayEquals(new double[] {THIRD, 0, 0}, run.zeroShot(), 1e-9);
    assertArrayEquals(new double[] {100, 100, 100}, run.matrix().rows()[2], 1e-9);
  }

  /** Of 3 x 36 answers 6 x 12 are of learnt tasks, all right at 0.9; the others wrong at 0.5. */
  @Test
  void run_knownLabels_unknownDomainsAreTheLastCovered() {
    MethodRun run = run("plain", LabelSpace.Kind.KNOWN);
    assertArrayEquals(new double[] {0, 0, 0}, run.zeroShot(), 0);
    assertArrayEquals(new double[] {100, 0, 0}, run.matrix().rows()[0], 1e-9);
    assertArrayEquals(new double[] {100, 100, 0}, run.matrix().rows()[1], 1e-9);
    Reliability reliability = run.reliability();
    assertEquals(10, reliability.learnt().expectedCalibrationError(), 1e-5);
    assertEquals(50, reliability.unlearnt().expectedCalibrationError(), 1e-5);
    assertEquals((72 * 10 + 36 * 50) / 108.0, reliability.expectedCalibrationError(), 1e-5);
    assertEquals(72, reliability.learnt().answers()[13]);
    assertEquals(36, reliability.unlearnt().answers()[7]);
    // 13 of 20 steps are 70 answers; the 14th's 75 have 3 wrong ones among them.
    assertEquals(0, reliability.risk()[12], 0);
    assertEquals(100 * 3 / 75.0, reliability.risk()[13], 1e-9);
    assertEquals(100 / 3.0, reliability.risk()[19], 1e-9);
  }

  @Test
  void run_methodThatChoosesTasks_countsThem() {
    MethodRun run = run("gated:gated=1", LabelSpace.Kind.TASK);
    Double[][] routed = Objects.requireNonNull(run.routing()).accuracy();
    assertArrayEquals(new Double[] {100.0, null, null}, routed[0]);
    assertArrayEquals(new Double[] {100.0, 100.0, 100.0}, routed[2]);
    MethodRun.Gate gate = Objects.requireNonNull(run.gate());
    assertEquals(0.26, gate.mean()[0][2], 1e-6);
    assertEquals(1, gate.mean()[0][0], 1e-6);
    // Cells in domain: 1 + 2 + 3 of 12 pictures at w = 1; out of domain: 2 + 1 at 0.26.
    assertEquals(6 * 12, gate.inDomain()[MethodRun.BINS - 1]);
    assertEquals(3 * 12, gate.outOfDomain()[5]);
  }

  @Test
  void run_tasks_costWhatTheMethodSays() {
    MethodRun.TaskCost cost = run("plain", LabelSpace.Kind.TASK).tasks().get(1);
    assertEquals("b", cost.name());
    assertEquals(10, cost.parameters());
    assertEquals(2, cost.seconds(), 1e-9);
    assertEquals(15, cost.imagesPerSecond(), 1e-9);
  }

  private static MethodRun run(String text, LabelSpace.Kind labels) {
    ScriptedMethod.Count count = new ScriptedMethod.Count();
    EvalRow row = ScriptedMethod.row(count, text);
    List<Integer> stages = new ArrayList<>();
    try (Bench bench =
            new Bench(
                Pictures.ENGINE,
                7,
                List.of(
                    Pictures.task("a", 10, 4),
                    Pictures.task("b", 10, 4),
                    Pictures.task("c", 10, 4)),
                labels,
                0,
                RunState.NONE);
        Method method = row.opener().open(bench)) {
      MethodRun run =
          Protocol.run(
              method,
              bench,
              new Protocol.Progress() {
                @Override
                public void learning(EvalTask task, double share, String figures) {
                  assertEquals("half", figures);
                }

                @Override
                public void tested(int learnt, double[] accuracies) {
                  stages.add(learnt);
                }
              });
      assertEquals(List.of(0, 1, 2, 3), stages);
      return run;
    }
  }
}
