package dev.perennial.server.device;

import static dev.perennial.server.device.FakeServer.get;
import static dev.perennial.server.device.FakeWorld.image;
import static dev.perennial.server.device.FakeWorld.labels;
import static dev.perennial.server.device.FakeWorld.version;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.server.task.TaskVersion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The server's promises under union scoring, and its answers against {@link SlowUnion}. */
class UnionDevicesTest {
  /** Two that sketch knows, one that both tasks know, two that none knows. */
  private static final LabelSet MIXED = labels("sketch one", "cat", "shared", "dog", "sketch two");

  private static final LabelSet WORDS = labels("cat", "dog", "cow");
  private static final LabelSet LEARNT = labels("thermal two", "thermal one");
  private static final List<String> DOMAINS = List.of("sketch", "thermal", "unseen");

  private static void teach(FakeServer server, TaskVersion... versions) {
    for (TaskVersion version : versions) {
      get(server.devices.installed(server.pool.publish(version).epoch()));
    }
  }

  /** A task of the same images under another name: its density is the very same. */
  private static TaskVersion twin(TaskVersion of, String name) {
    return new TaskVersion(
        name,
        List.of(name + " one", name + " two", "shared"),
        of.template(),
        version(name, 3).prefixes(),
        of.statistics(),
        of.gate(),
        of.head(),
        of.options(),
        of.metrics(),
        of.seed(),
        of.backboneFingerprint(),
        of.created());
  }

  private static CompletableFuture<Classification> ask(
      FakeServer server, float[] pixels, LabelSet labels) {
    return server.classify(pixels, new Candidates.Explicit(labels), ScoringRule.UNION);
  }

  private static CompletableFuture<Classification> askAll(
      FakeServer server, float[] pixels, @Nullable LabelSet extra) {
    return server.classify(pixels, new Candidates.AllKnown(extra), ScoringRule.UNION);
  }

  private static void assertAgrees(Map<String, Double> expected, Classification answer) {
    assertEquals(new ArrayList<>(expected.keySet()), answer.labels().labels());
    float sum = 0;
    for (int k = 0; k < answer.probabilities().length; k++) {
      double p = expected.getOrDefault(answer.labels().labels().get(k), -1.0);
      assertEquals(p, answer.probabilities()[k], 1e-4, answer.labels().labels().get(k));
      sum += answer.probabilities()[k];
    }
    assertEquals(1, sum, 1e-5);
  }

  @Test
  void classify_anyImageAndList_asTheSlowTwin() {
    try (FakeServer server = FakeServer.start()) {
      TaskVersion sketch = version("sketch", 0);
      teach(server, sketch, version("thermal", 0), twin(sketch, "drawing"));
      int two = 0;
      for (int i = 0; i < 30; i++) {
        float[] pixels = image(DOMAINS.get(i % 3), i);
        SlowUnion slow = new SlowUnion(server.pool.snapshot(), pixels);
        for (LabelSet list : List.of(MIXED, WORDS, LEARNT)) {
          Classification answer = get(ask(server, pixels, list));
          assertAgrees(slow.probabilities(list.labels(), SlowUnion.texts(list), true), answer);
        }
        Classification all = get(askAll(server, pixels, null));
        assertAgrees(slow.probabilities(all.labels().labels(), Map.of(), false), all);
        Classification more = get(askAll(server, pixels, MIXED));
        assertAgrees(
            slow.probabilities(more.labels().labels(), SlowUnion.texts(MIXED), false), more);
        two += evidence(all).tasks().size() == 2 ? 1 : 0;
      }
      assertTrue(two >= 10, "images of two tasks: " + two);
    }
  }

  private static Classification.Union evidence(Classification answer) {
    return Objects.requireNonNull(answer.union());
  }

  @Test
  void classify_noTasks_asDikiToTheBit() {
    try (FakeServer server = FakeServer.start()) {
      Classification union = get(ask(server, image("sketch", 1), MIXED));
      assertSameBits(get(server.classify(image("sketch", 1), MIXED)), union);
      assertNull(union.routing());
      assertNull(union.union());
      Classification extra = get(askAll(server, image("sketch", 1), WORDS));
      assertSameBits(get(server.classify(image("sketch", 1), WORDS)), extra);
    }
  }

  private static void assertSameBits(Classification expected, Classification actual) {
    assertEquals(expected.labels().labels(), actual.labels().labels());
    assertArrayEquals(expected.probabilities(), actual.probabilities());
    assertArrayEquals(expected.logits(), actual.logits());
  }

  @Test
  void classify_imageOfNoLearntDomain_zeroShotToTheBitInOnePass() {
    try (FakeServer server = FakeServer.start()) {
      Classification before = get(ask(server, image("unseen", 1), MIXED));
      teach(server, version("sketch", 0), version("thermal", 0));
      Classification after = get(ask(server, image("unseen", 1), MIXED));
      assertSameBits(before, after);
      assertEquals(0, server.devices.stats().get(0).secondPassRows());
      assertEquals(0, evidence(after).gate());
      assertTrue(evidence(after).none() > 0.99);
      assertEquals(List.of(), evidence(after).tasks());
    }
  }

  @Test
  void classify_imageOfALearntDomain_saysWhy() {
    try (FakeServer server = FakeServer.start()) {
      teach(server, version("sketch", 0), version("thermal", 0));
      Classification answer = get(askAll(server, image("thermal", 5), WORDS));
      Classification.Union why = evidence(answer);
      assertTrue(why.gate() > 0.9 && why.none() < 0.5);
      assertEquals(1, why.tasks().size());
      assertEquals("thermal", why.tasks().get(0).task());
      assertEquals(1, why.tasks().get(0).posterior());
      assertEquals("thermal", assertNotNullRouting(answer).task());
      double known = why.tasks().get(0).known();
      double ofTask = 0;
      for (String name : version("thermal", 0).classNames()) {
        ofTask += answer.probabilities()[answer.labels().labels().indexOf(name)];
      }
      assertEquals(why.gate() * known, ofTask, 1e-5);
    }
  }

  private static Classification.Routing assertNotNullRouting(Classification answer) {
    assertNotNull(answer.routing());
    return Objects.requireNonNull(answer.routing());
  }

  @Test
  void classify_afterATaskIsUnlearnt_sameBitsAsBefore() {
    try (FakeServer server = FakeServer.start()) {
      TaskVersion sketch = version("sketch", 0);
      teach(server, sketch, version("thermal", 0));
      List<Classification> before = everything(server);
      teach(server, twin(sketch, "drawing"));
      everything(server);
      get(server.devices.installed(server.pool.delete("drawing").epoch()));
      List<Classification> after = everything(server);
      for (int i = 0; i < before.size(); i++) {
        assertSameBits(before.get(i), after.get(i));
      }
    }
  }

  private static List<Classification> everything(FakeServer server) {
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      float[] pixels = image(DOMAINS.get(i % 3), i);
      answers.add(ask(server, pixels, MIXED));
      answers.add(askAll(server, pixels, null));
      answers.add(askAll(server, pixels, WORDS));
    }
    return answers.stream().map(FakeServer::get).toList();
  }

  @Test
  void classify_manyTogether_sameBitsAsAlone() {
    try (FakeServer server = FakeServer.start();
        FakeServer alone = FakeServer.start()) {
      TaskVersion sketch = version("sketch", 0);
      teach(server, sketch, version("thermal", 0), twin(sketch, "drawing"));
      teach(alone, sketch, version("thermal", 0), twin(sketch, "drawing"));
      List<Classification> together = everything(server);
      for (int i = 0; i < 12; i++) {
        float[] pixels = image(DOMAINS.get(i % 3), i);
        assertSameBits(get(ask(alone, pixels, MIXED)), together.get(3 * i));
        assertSameBits(get(askAll(alone, pixels, null)), together.get(3 * i + 1));
        assertSameBits(get(askAll(alone, pixels, WORDS)), together.get(3 * i + 2));
      }
    }
  }

  @Test
  void classify_higherBias_moreOfTheUnlearnt() {
    try (FakeServer server = FakeServer.start()) {
      teach(server, version("sketch", 0));
      double before = -1;
      for (double bias : new double[] {-20, 0, 20}) {
        ScoringRule rule = new ScoringRule(ScoringRule.Kind.UNION, bias);
        Classification answer =
            get(server.classify(image("sketch", 3), new Candidates.AllKnown(WORDS), rule));
        double mass = 0;
        for (String word : WORDS.labels()) {
          mass += answer.probabilities()[answer.labels().labels().indexOf(word)];
        }
        assertTrue(mass > before, "bias " + bias + ": " + Arrays.toString(answer.probabilities()));
        before = mass;
      }
    }
  }

  @Test
  void classify_tooFewTexts_areComputedPieceByPiece() {
    try (FakeServer server =
        new FakeServer(FakeServer.config(List.of("cpu"), 8, 100, 1))) { // caches nothing
      TaskVersion sketch = version("sketch", 0);
      teach(server, sketch, twin(sketch, "drawing"));
      float[] pixels = image("sketch", 4);
      SlowUnion slow = new SlowUnion(server.pool.snapshot(), pixels);
      Classification answer = get(ask(server, pixels, MIXED));
      assertAgrees(slow.probabilities(MIXED.labels(), SlowUnion.texts(MIXED), true), answer);
    }
  }
}
