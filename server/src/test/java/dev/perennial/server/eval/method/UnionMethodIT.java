package dev.perennial.server.eval.method;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.PerennialClient;
import dev.perennial.server.Server;
import dev.perennial.server.ServerConfig;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.eval.RunState;
import dev.perennial.server.eval.data.HalvedSuite;
import dev.perennial.server.eval.data.MiniMtilSuite;
import dev.perennial.server.eval.data.Suite;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Union scoring offline and through a server, on two halves of a domain and another one. */
@Timeout(300)
class UnionMethodIT {
  private static final Map<String, String> SETTINGS = Map.of("epochs", "2");

  private static Bench bench(LabelSpace.Kind labels) {
    Suite suite = new MiniMtilSuite(4);
    Suite halves = new HalvedSuite(suite);
    return new Bench(
        new Bench.Engine(ModelDirectory.embedded(), "cpu", Precision.FP32),
        1,
        List.of(
            halves.task("digits-1", 8, 1),
            halves.task("digits-2", 8, 1),
            suite.task("signs", 8, 1)),
        labels,
        64L << 20,
        RunState.NONE);
  }

  @Test
  void answer_throughAServer_thoseOfTheMethodOffline() {
    try (Server server = Server.start(ServerConfig.DEFAULT.onFreePort());
        PerennialClient client =
            PerennialClient.builder().target("127.0.0.1:" + server.port()).build()) {
      MethodKind served =
          MethodTable.served(client).stream()
              .filter(kind -> kind.name().equals("perennial"))
              .findFirst()
              .orElseThrow();
      for (LabelSpace.Kind labels : LabelSpace.Kind.values()) {
        try (Bench bench = bench(labels);
            Method online = SmallBenches.opener(served, SETTINGS).open(bench);
            Method offline = SmallBenches.opener(UnionMethod.KIND, SETTINGS).open(bench)) {
          for (int learnt = 0; learnt <= 2; learnt++) {
            for (EvalTask task : bench.asks(learnt) ? bench.tasks() : List.<EvalTask>of()) {
              LabelSpace space = bench.labels(task, learnt);
              assertSame(
                  offline.answer(task, space),
                  online.answer(task, space),
                  labels + ", " + learnt + " learnt: " + task.name());
            }
            if (learnt < 2) {
              EvalTask next = bench.tasks().get(learnt);
              offline.learn(next, (share, figures) -> {});
              online.learn(next, (share, figures) -> {});
            }
          }
        }
      }
    }
  }

  /** Where two labels or two halves are as probable, the last bit of a feature may decide. */
  private static void assertSame(Answers offline, Answers online, String what) {
    int[] tasks = Objects.requireNonNull(offline.tasks());
    int others = 0;
    for (int i = 0; i < tasks.length; i++) {
      boolean same =
          tasks[i] == Objects.requireNonNull(online.tasks())[i]
              && offline.labels()[i] == online.labels()[i];
      others += same ? 0 : 1;
      if (same) {
        float gate = Objects.requireNonNull(offline.gateWeights())[i];
        assertEquals(gate, Objects.requireNonNull(online.gateWeights())[i], 1e-3, what);
        assertEquals(offline.confidences()[i], online.confidences()[i], 1e-2, what);
      }
    }
    assertTrue(others <= tasks.length / 20, what + ": " + others + " of " + tasks.length);
  }

  @Test
  void answer_nothingLearnt_isZeroShot() {
    try (Bench bench = bench(LabelSpace.Kind.UNION);
        Method union = SmallBenches.opener(UnionMethod.KIND, Map.of()).open(bench);
        Method frozen = SmallBenches.opener(ZeroShotMethod.KIND, Map.of()).open(bench)) {
      for (EvalTask task : bench.tasks()) {
        LabelSpace labels = bench.labels(task, 1);
        assertArrayEquals(
            frozen.answer(task, labels).labels(), union.answer(task, labels).labels());
      }
    }
  }
}
