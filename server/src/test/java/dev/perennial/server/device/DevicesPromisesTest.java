package dev.perennial.server.device;

import static dev.perennial.server.device.FakeServer.get;
import static dev.perennial.server.device.FakeWorld.image;
import static dev.perennial.server.device.FakeWorld.version;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskVersion;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/**
 * The promises that hold whatever runs at the same time: batch invariance (2), exact unlearning (3)
 * and atomic publishing (5). Each answer is compared with {@link FakeWorld#classify}, which does
 * one image by itself.
 */
class DevicesPromisesTest {
  private static final LabelSet LABELS = FakeWorld.manyLabels("label", 12);
  private static final List<String> DOMAINS = List.of("sketch", "thermal", "sodium", "unseen");

  private static final int ROUNDS = 30;

  /** Two versions of a task that route every image alike, with the same w: other prefixes only. */
  private static final TaskVersion FIRST = version("sketch", 0);

  private static final TaskVersion SECOND = withPrefixes(FIRST, version("sketch", 1).prefixes());

  private static TaskVersion withPrefixes(TaskVersion version, Prefixes prefixes) {
    return new TaskVersion(
        version.task(),
        version.classNames(),
        version.template(),
        prefixes,
        version.statistics(),
        version.gate(),
        version.head(),
        version.options(),
        version.metrics(),
        version.seed(),
        version.backboneFingerprint(),
        version.created());
  }

  private static void assertSame(Classification expected, Classification actual) {
    assertEquals(expected.epoch(), actual.epoch());
    assertEquals(expected.labels(), actual.labels());
    assertEquals(expected.routing(), actual.routing());
    assertArrayEquals(expected.probabilities(), actual.probabilities(), 1e-4f);
    assertArrayEquals(expected.logits(), actual.logits(), 1e-4f * FakeEncoder.LOGIT_SCALE);
  }

  @Test
  void classify_versionThatRoutesAlike_hasItsOwnTexts() {
    try (FakeServer server = FakeServer.start()) {
      float[] pixels = image("sketch", 3);
      server.pool.publish(FIRST);
      get(server.devices.installed(server.pool.snapshot().epoch()));
      Classification first = get(server.classify(pixels, LABELS));
      server.pool.publish(SECOND);
      get(server.devices.installed(server.pool.snapshot().epoch()));

      Classification second = get(server.classify(pixels, LABELS));

      assertEquals(gateWeight(first), gateWeight(second));
      assertSame(FakeWorld.classify(server.pool.snapshot(), pixels, LABELS), second);
    }
  }

  @Test
  void classify_versionThatRoutesAlikeComesAfterPassTwo_passTwoIsRunAgain() {
    LabelSet many = FakeWorld.manyLabels("label", 2_000);
    try (FakeServer server = FakeServer.start()) {
      float[] pixels = image("sketch", 3);
      server.pool.publish(FIRST);
      get(server.devices.installed(server.pool.snapshot().epoch()));
      FakeEncoder encoder = server.encoder();
      encoder.before =
          batch -> {
            if (!batch.images()) { // both passes are done, the first of many texts begin
              encoder.before = next -> {};
              server.pool.publish(SECOND);
            }
          };

      Classification answer = get(server.classify(pixels, many));

      assertEquals(server.pool.snapshot().epoch(), answer.epoch());
      assertSame(FakeWorld.classify(server.pool.snapshot(), pixels, many), answer);
    }
  }

  private static float gateWeight(Classification answer) {
    return Objects.requireNonNull(answer.routing()).gateWeight();
  }

  private static void teach(FakeServer server, String... domains) {
    for (String domain : domains) {
      server.pool.publish(version(domain, 0));
    }
    get(server.devices.installed(server.pool.snapshot().epoch()));
  }

  @Test
  void classify_aloneOrInMixedFullBatches_sameAnswer() {
    try (FakeServer server = FakeServer.start()) {
      teach(server, "sketch", "thermal", "sodium");
      PoolSnapshot snapshot = server.pool.snapshot();
      List<float[]> images = new ArrayList<>();
      List<CompletableFuture<Classification>> answers = new ArrayList<>();
      try (FakeServer.Held held = server.hold()) {
        for (int i = 0; i < 80; i++) {
          images.add(image(DOMAINS.get(i % DOMAINS.size()), i));
          answers.add(server.classify(images.get(i), LABELS, Long.MAX_VALUE, "source" + i % 3));
        }
        held.awaitEntered();
      }
      for (int i = 0; i < images.size(); i++) {
        Classification crowded = get(answers.get(i));
        assertSame(FakeWorld.classify(snapshot, images.get(i), LABELS), crowded);
        Classification alone = get(server.classify(images.get(i), LABELS));
        assertSame(alone, crowded);
      }
      assertTrue(
          server.encoder().batches.stream()
              .anyMatch(
                  batch ->
                      batch.images()
                          && batch.size() == 8
                          && batch.slots().stream().distinct().count() == 3),
          "no full batch with all tasks was seen");
      assertTrue(
          server.encoder().batches.stream()
              .anyMatch(
                  batch ->
                      batch.images()
                          && batch.gateWeights().contains(0f)
                          && batch.gateWeights().stream().anyMatch(w -> w > 0.5f)),
          "no batch with both passes was seen");
    }
  }

  @Test
  void classify_domainsInterleavedOrSeparate_sameAnswers() {
    try (FakeServer server = FakeServer.start()) {
      teach(server, "sketch", "thermal");
      List<CompletableFuture<Classification>> interleaved = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        interleaved.add(server.classify(image(DOMAINS.get(i % 2), i), LABELS));
      }
      List<Classification> mixed = interleaved.stream().map(FakeServer::get).toList();
      for (int domain = 0; domain < 2; domain++) {
        List<CompletableFuture<Classification>> separate = new ArrayList<>();
        for (int i = domain; i < 60; i += 2) {
          separate.add(server.classify(image(DOMAINS.get(domain), i), LABELS));
        }
        for (int i = 0; i < separate.size(); i++) {
          Classification one = get(separate.get(i));
          Classification other = mixed.get(2 * i + domain);
          assertSame(one, other);
          assertEquals(argmax(one.probabilities()), argmax(other.probabilities()));
        }
      }
    }
  }

  private static int argmax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  @Test
  void classify_taskTaughtAndDeleted_answersAreBitIdentical() {
    try (FakeServer server = FakeServer.start()) {
      List<float[]> images = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        images.add(image(DOMAINS.get(i % DOMAINS.size()), i));
      }
      teach(server, "sketch");
      Map<Integer, Classification> before = new HashMap<>();
      for (int i = 0; i < images.size(); i++) {
        before.put(i, get(server.classify(images.get(i), LABELS)));
      }
      teach(server, "thermal", "sodium");
      assertEquals(
          "thermal",
          Objects.requireNonNull(get(server.classify(images.get(1), LABELS)).routing()).task());
      server.pool.delete("thermal");
      get(server.devices.installed(server.pool.delete("sodium").epoch()));
      for (int i = 0; i < images.size(); i++) {
        Classification after = get(server.classify(images.get(i), LABELS));
        Classification then = Objects.requireNonNull(before.get(i));
        assertArrayEquals(then.probabilities(), after.probabilities());
        assertArrayEquals(then.logits(), after.logits());
        assertEquals(then.routing(), after.routing());
        assertNotEquals(before.get(i).epoch(), after.epoch());
      }
      get(server.devices.installed(server.pool.delete("sketch").epoch()));
      assertNull(get(server.classify(images.get(0), LABELS)).routing());
    }
  }

  @Test
  void classify_whileThePoolChanges_everyAnswerBelongsToTheEpochItNames() throws Exception {
    // Two devices, small text cache: rows are overtaken in every state they can be in.
    try (FakeServer server =
        new FakeServer(FakeServer.config(List.of("cpu", "cpu"), 8, 1000, 20_000))) {
      Map<Long, PoolSnapshot> snapshots = new ConcurrentHashMap<>();
      server.pool.listen(snapshot -> snapshots.put(snapshot.epoch(), snapshot));
      List<Asked> asked = Collections.synchronizedList(new ArrayList<>());
      snapshots.put(server.pool.snapshot().epoch(), server.pool.snapshot());
      AtomicBoolean stop = new AtomicBoolean();
      Thread publisher = new Thread(() -> changePool(server, stop));
      publisher.start();
      List<Thread> callers = new ArrayList<>();
      for (int caller = 0; caller < 4; caller++) {
        int seed = caller;
        Thread thread = new Thread(() -> ask(server, asked, seed));
        callers.add(thread);
        thread.start();
      }
      for (Thread caller : callers) {
        caller.join();
      }
      stop.set(true);
      publisher.join();
      assertTrue(asked.size() >= 4 * ROUNDS * 20, asked.size() + " answers");
      for (Asked one : asked) {
        PoolSnapshot snapshot = Objects.requireNonNull(snapshots.get(one.answer().epoch()));
        assertSame(FakeWorld.classify(snapshot, one.pixels(), one.labels()), one.answer());
      }
      assertTrue(rerouted(server) > 0, "no row was ever overtaken");
    }
  }

  private static long rerouted(FakeServer server) {
    return server.devices.stats().stream().mapToLong(DeviceStats::rerouted).sum();
  }

  private static void changePool(FakeServer server, AtomicBoolean stop) {
    Random random = new Random(1);
    for (int seed = 0; !stop.get(); seed = (seed + 1) % 5) {
      String domain = DOMAINS.get(random.nextInt(3));
      if (random.nextInt(4) == 0 && server.pool.snapshot().slot(domain) >= 0) {
        server.pool.delete(domain);
      } else {
        server.pool.publish(version(domain, seed));
      }
    }
  }

  /** What was asked, and what came back; compared when all snapshots are known. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Asked(float[] pixels, LabelSet labels, Classification answer) {}

  private static void ask(FakeServer server, List<Asked> asked, int seed) {
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    List<float[]> images = new ArrayList<>();
    LabelSet labels = FakeWorld.manyLabels("of caller " + seed + " number ", 40);
    for (int round = 0;
        round < ROUNDS || (rerouted(server) == 0 && round < 100 * ROUNDS);
        round++) {
      answers.clear();
      images.clear();
      for (int i = 0; i < 20; i++) {
        images.add(image(DOMAINS.get(i % DOMAINS.size()), round * 100 + seed * 31 + i));
        answers.add(server.classify(images.get(i), labels, Long.MAX_VALUE, "caller" + seed));
      }
      for (int i = 0; i < images.size(); i++) {
        asked.add(new Asked(images.get(i), labels, get(answers.get(i))));
      }
    }
  }
}
