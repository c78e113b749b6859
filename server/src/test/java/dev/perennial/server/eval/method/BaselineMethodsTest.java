package dev.perennial.server.eval.method;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The methods that DIKI is compared with, on a few pictures. */
class BaselineMethodsTest {
  private static final Method.Progress SILENT = (share, figures) -> {};
  private static final Map<String, String> SHORT = Map.of("epochs", "3");

  /** Numbers in the built-in model's towers. */
  private static final long ALL_WEIGHTS = 1_269_632;

  static List<MethodKind> kinds() {
    return List.of(FineTuneMethod.KIND, ZsclMethod.KIND, PromptPoolMethod.KIND);
  }

  private static Answers answer(Method method, Bench bench, int task) {
    EvalTask asked = bench.tasks().get(task);
    return method.answer(asked, bench.labels(asked, 1));
  }

  private static int[] frozen(Bench bench, int task) {
    try (Method method = SmallBenches.opener(ZeroShotMethod.KIND, Map.of()).open(bench)) {
      return answer(method, bench, task).labels();
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void answer_nothingLearnt_isTheFrozenModels(MethodKind kind) {
    try (Bench bench = SmallBenches.bench(1);
        Method method = SmallBenches.opener(kind, SHORT).open(bench)) {
      for (int task = 0; task < 2; task++) {
        assertArrayEquals(frozen(bench, task), answer(method, bench, task).labels());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void learn_sameSeed_sameAnswers(MethodKind kind) {
    List<int[]> first = learnt(kind, 3);
    List<int[]> again = learnt(kind, 3);
    for (int i = 0; i < first.size(); i++) {
      assertArrayEquals(first.get(i), again.get(i));
    }
  }

  private static List<int[]> learnt(MethodKind kind, long seed) {
    List<int[]> answers = new ArrayList<>();
    try (Bench bench = SmallBenches.bench(seed);
        Method method = SmallBenches.opener(kind, SHORT).open(bench)) {
      for (EvalTask task : bench.tasks()) {
        method.learn(task, SILENT);
        answers.add(answer(method, bench, 0).labels());
        answers.add(answer(method, bench, 1).labels());
      }
    }
    return answers;
  }

  /** 10 classes of 6 digits, one of each held out: 50, three times. */
  @ParameterizedTest
  @MethodSource("kinds")
  void learn_oneTask_saysWhatItTookAndHowFarItIs(MethodKind kind) {
    List<Double> shares = new ArrayList<>();
    try (Bench bench = SmallBenches.bench(1);
        Method method = SmallBenches.opener(kind, SHORT).open(bench)) {
      Method.Learned learned =
          method.learn(bench.tasks().get(0), (share, figures) -> shares.add(share));
      assertEquals(150, learned.images());
      assertFalse(learned.time().isNegative() || learned.time().isZero());
      boolean pool = kind.equals(PromptPoolMethod.KIND);
      assertEquals(pool ? 3 * 8 * (128 + 96) : ALL_WEIGHTS, learned.parameters());
      assertEquals(3, shares.size());
      assertEquals(1, shares.get(2), 1e-9);
    }
  }

  @Test
  void fineTune_secondTask_changesAnswersToTheFirst() {
    // Nothing is held out, so that the last epoch is kept whatever it is worth.
    Map<String, String> strong =
        Map.of("epochs", "3", "learning-rate", "1e-3", "validation-share", "0");
    try (Bench bench = SmallBenches.bench(1);
        Method method = SmallBenches.opener(FineTuneMethod.KIND, strong).open(bench)) {
      method.learn(bench.tasks().get(0), SILENT);
      int[] before = answer(method, bench, 0).labels();
      assertFalse(Arrays.equals(frozen(bench, 0), before));
      method.learn(bench.tasks().get(1), SILENT);
      assertFalse(Arrays.equals(before, answer(method, bench, 0).labels()));
      assertNull(answer(method, bench, 0).tasks());
    }
  }

  @Test
  void promptPool_secondTask_leavesWhatStillChoosesTheFirst() {
    try (Bench bench = SmallBenches.bench(1);
        Method method = SmallBenches.opener(PromptPoolMethod.KIND, SHORT).open(bench)) {
      assertEquals(-1, Objects.requireNonNull(answer(method, bench, 0).tasks())[0]);
      method.learn(bench.tasks().get(0), SILENT);
      Answers before = answer(method, bench, 0);
      assertArrayEquals(new int[40], before.tasks());
      method.learn(bench.tasks().get(1), SILENT);
      Answers after = answer(method, bench, 0);
      int[] chosen = Objects.requireNonNull(after.tasks());
      int own = 0;
      for (int i = 0; i < chosen.length; i++) {
        if (chosen[i] == 0) {
          own++;
          assertEquals(before.labels()[i], after.labels()[i], "picture " + i);
        }
      }
      assertTrue(own > 30, "chose their own task: " + own + " of 40");
      assertNull(after.gateWeights());
    }
  }

  @Test
  void zscl_noReferenceThere_refused() {
    MethodKind.Opener opener =
        SmallBenches.opener(ZsclMethod.KIND, Map.of("reference", "/no/such/folder"));
    try (Bench bench = SmallBenches.bench(1)) {
      assertThrows(ServingException.class, () -> opener.open(bench).close());
    }
  }
}
