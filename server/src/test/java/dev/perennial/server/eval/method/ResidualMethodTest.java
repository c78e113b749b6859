package dev.perennial.server.eval.method;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.clip.RandomClip;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalRow;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodOptions;
import dev.perennial.server.eval.RunState;
import dev.perennial.server.eval.data.MiniMtilSuite;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.task.TaskVersionFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The built-in model with two learnt tasks and one that is never learnt. */
@Timeout(300)
class ResidualMethodTest {
  private static final String SETTINGS = ":epochs=2";

  private static Bench bench;

  @BeforeAll
  static void open() {
    MiniMtilSuite suite = new MiniMtilSuite(4);
    bench =
        new Bench(
            new Bench.Engine(ModelDirectory.embedded(), "cpu", Precision.FP32),
            1,
            List.of(
                suite.task("counting", 6, 1),
                suite.task("digits", 6, 1),
                suite.task("thermal", 6, 1)),
            LabelSpace.Kind.TASK,
            1L << 30,
            RunState.NONE);
  }

  @AfterAll
  static void close() {
    bench.close();
  }

  @Test
  void answer_nothingLearnt_isZeroShot() {
    for (String name : List.of("diki", "iki", "diki-official")) {
      try (Method method = open(name);
          Method frozen = open("zero-shot")) {
        assertArrayEquals(labels(frozen, 0), labels(method, 0), name);
        assertArrayEquals(filled(-1, 0), method.answer(task(0), bench.labels(task(0), 1)).tasks());
      }
    }
  }

  /** The defining property of w = 1: what the Gaussians say changes nothing. */
  @Test
  void answer_iki_isTheBranchAtFullWeightWhateverTheDensity() {
    try (Method iki = learnt("iki", 1)) {
      for (int place = 0; place < 3; place++) {
        Answers answers = iki.answer(task(place), bench.labels(task(place), 1));
        for (float weight : Objects.requireNonNull(answers.gateWeights())) {
          assertEquals(1f, weight);
        }
        assertArrayEquals(slowly(place, filled(0, place), filled(1f, place)), answers.labels());
      }
    }
  }

  /** Against the obvious: both towers at the very weight, for each image by itself. */
  @Test
  void answer_diki_isTheTowersAtEachImagesTaskAndWeight() {
    for (String name : List.of("diki", "diki-paper")) {
      GateKind kind = name.equals("diki") ? GateKind.ROBUST : GateKind.PAPER;
      try (Method diki = learnt(name, 2)) {
        for (int place = 0; place < 3; place++) {
          Answers answers = diki.answer(task(place), bench.labels(task(place), 1));
          int[] tasks = Objects.requireNonNull(answers.tasks());
          float[] weights = Objects.requireNonNull(answers.gateWeights());
          float[] frozen = frozen(place);
          for (int i = 0; i < tasks.length; i++) {
            double[] densities = new double[2];
            for (int t = 0; t < 2; t++) {
              densities[t] = branch(t).gaussian(kind).logDensity(frozen, i * embedDim());
            }
            assertEquals(densities[1] > densities[0] ? 1 : 0, tasks[i]);
            double weight = branch(tasks[i]).gaussian(kind).gateWeight(densities[tasks[i]]);
            assertEquals(weight, weights[i], 1e-6);
          }
          assertMostlyEqual(slowly(place, tasks, weights), answers.labels());
        }
      }
    }
  }

  @Test
  void answer_keyChoice_isTheNearestMean() {
    try (Method method = learnt("iki:choice=key", 2)) {
      int[] tasks =
          Objects.requireNonNull(method.answer(task(1), bench.labels(task(1), 1)).tasks());
      float[] frozen = frozen(1);
      for (int i = 0; i < tasks.length; i++) {
        double first = branch(0).keySimilarity(frozen, i * embedDim());
        double second = branch(1).keySimilarity(frozen, i * embedDim());
        assertEquals(second > first ? 1 : 0, tasks[i]);
        assertTrue(Math.abs(first) <= 1.0001 && Math.abs(second) <= 1.0001);
      }
    }
  }

  @Test
  void learn_methodsWithEqualSettings_shareOneTraining() {
    AtomicInteger steps = new AtomicInteger();
    try (Method first = learnt("diki", 1);
        Method second = open("iki");
        Method other = open("diki:values=random")) {
      Method.Learned shared = second.learn(task(0), (share, figures) -> steps.incrementAndGet());
      assertEquals(0, steps.get());
      assertEquals(branch(0).learned(), shared);
      assertTrue(shared.time().toNanos() > 0 && shared.images() > 0);
      other.learn(task(0), (share, figures) -> steps.incrementAndGet());
      assertTrue(steps.get() > 0);
      assertNotEquals(0, first.answer(task(0), bench.labels(task(0), 1)).labels().length);
    }
  }

  /** What a state holds is not trained again; what it learnt is the same to the bit. */
  @Test
  void learn_branchInTheState_isReadAndNotTrained(@TempDir Path directory) {
    MiniMtilSuite suite = new MiniMtilSuite(1);
    AtomicInteger steps = new AtomicInteger();
    List<byte[]> versions = new ArrayList<>();
    List<Method.Learned> costs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      RunState state = RunState.open(directory.resolve("state"), new JsonObject());
      try (Bench own =
          new Bench(
              bench.engine(),
              1,
              List.of(suite.task("counting", 1, 1)),
              LabelSpace.Kind.TASK,
              0,
              state)) {
        steps.set(0);
        TrainedBranch branch =
            new TrainedBranches(own)
                .get(
                    BranchSettings.parse(
                        new MethodOptions("diki", Map.of("epochs", "1")), own.model().config()),
                    own.tasks().get(0),
                    (share, figures) -> steps.incrementAndGet());
        versions.add(TaskVersionFile.write(branch.version()));
        costs.add(branch.learned());
        assertEquals(run == 0, steps.get() > 0);
      }
    }
    assertArrayEquals(versions.get(0), versions.get(1));
    assertEquals(costs.get(0), costs.get(1));
  }

  /** A batch of one is the article's rule per image: its own task and weight. */
  @Test
  void answer_officialBatchOfOne_isTheArticlesPerImage() {
    try (Method official = learnt("diki-official:test-batch-size=1", 2);
        Method paper = learnt("diki-paper", 2)) {
      Answers expected = paper.answer(task(1), bench.labels(task(1), 1));
      Answers answers = official.answer(task(1), bench.labels(task(1), 1));
      assertArrayEquals(expected.tasks(), answers.tasks());
      assertMostlyEqual(expected.labels(), answers.labels());
    }
  }

  /** In company of another domain an image is given to the majority's task. */
  @Test
  void answer_officialMixedBatches_oneTaskForEachBatch() {
    try (Method pure = learnt("diki-official", 2);
        Method mixed = learnt("diki-official-mixed:test-batch-size=8", 2)) {
      int[] alone = Objects.requireNonNull(pure.answer(task(0), bench.labels(task(0), 1)).tasks());
      int[] together =
          Objects.requireNonNull(mixed.answer(task(0), bench.labels(task(0), 1)).tasks());
      assertEquals(1, Arrays.stream(alone).distinct().count());
      for (int i = 0; i < together.length; i++) {
        assertEquals(together[i / 4 * 4], together[i]);
      }
    }
  }

  /** DIKI's published setting (section 4.1). */
  @Test
  void parameters_vitB16Task_163840() {
    ClipConfig model = RandomClip.vitB16();
    BranchSettings settings = BranchSettings.parse(new MethodOptions("diki", Map.of()), model);
    assertEquals(8, settings.depth());
    assertEquals(8, settings.prefixLength());
    assertEquals(
        163_840,
        RandomClip.prefixes(model, settings.depth(), settings.prefixLength(), 0, 1)
            .parameterCount());
  }

  @Test
  void parameters_learntTask_areThoseOfItsBranch() {
    try (Method diki = learnt("diki", 1)) {
      ClipConfig model = bench.model().config();
      long expected = 2L * 8 * 3 * (model.image().width() + model.text().width());
      assertEquals(expected, branch(0).learned().parameters());
      assertEquals(0, diki.answer(task(0), bench.labels(task(0), 1)).labels().length % 4);
    }
  }

  private static Method open(String row) {
    String settings = row.startsWith("zero-shot") ? "" : SETTINGS;
    return EvalRow.parse(row + settings, MethodTable.kinds(), Map.of(), bench.model().config())
        .opener()
        .open(bench);
  }

  private static Method learnt(String row, int tasks) {
    Method method = open(row);
    for (int place = 0; place < tasks; place++) {
      method.learn(task(place), (share, figures) -> {});
    }
    return method;
  }

  private static EvalTask task(int place) {
    return bench.tasks().get(place);
  }

  private static TrainedBranch branch(int place) {
    BranchSettings settings =
        BranchSettings.parse(
            new MethodOptions("diki", Map.of("epochs", "2")), bench.model().config());
    return bench
        .shared(TrainedBranches.class, TrainedBranches::new)
        .get(settings, task(place), (share, figures) -> {});
  }

  private static int[] labels(Method method, int place) {
    return method.answer(task(place), bench.labels(task(place), 1)).labels();
  }

  private static float[] frozen(int place) {
    return bench.shared(FrozenFeatures.class, FrozenFeatures::new).ofTests(task(place));
  }

  private static int embedDim() {
    return bench.model().config().embedDim();
  }

  private static int[] filled(int value, int place) {
    int[] values = new int[task(place).test().size()];
    Arrays.fill(values, value);
    return values;
  }

  private static float[] filled(float value, int place) {
    float[] values = new float[task(place).test().size()];
    Arrays.fill(values, value);
    return values;
  }

  /** One image and its own texts at a time, at exactly its weight. */
  private static int[] slowly(int place, int[] tasks, float[] weights) {
    ClipModel model = bench.model();
    LabelSet labels = bench.labels(task(place), 1).labels();
    List<int[]> texts =
        labels.prompts().stream()
            .map(prompt -> prompt.tokens().stream().mapToInt(Integer::intValue).toArray())
            .toList();
    int[] answers = new int[tasks.length];
    for (int i = 0; i < answers.length; i++) {
      try (PrefixBank bank = model.bank(List.of(branch(tasks[i]).version().prefixes()))) {
        float[] image =
            model.imageFeatures(
                task(place).test().pixels(i, i + 1), bank, new int[1], new float[] {weights[i]});
        float[] same = new float[texts.size()];
        Arrays.fill(same, weights[i]);
        float[] text = model.textFeatures(texts, bank, new int[same.length], same);
        double best = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < same.length; k++) {
          double dot = 0;
          for (int e = 0; e < image.length; e++) {
            dot += image[e] * text[k * image.length + e];
          }
          if (dot > best) {
            best = dot;
            answers[i] = k;
          }
        }
      }
    }
    return answers;
  }

  /** Interpolated texts are within 0.0008 logits: at most a near tie falls the other way. */
  private static void assertMostlyEqual(int[] expected, int[] actual) {
    int different = 0;
    for (int i = 0; i < expected.length; i++) {
      different += expected[i] == actual[i] ? 0 : 1;
    }
    assertTrue(different <= 1, different + " of " + expected.length + " differ");
  }
}
