package dev.perennial.server.device;

import static dev.perennial.server.device.FakeServer.get;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.clip.RandomClip;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.server.task.InMemoryTaskStore;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.Route;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersion;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Devices with the real towers (random weights, fp32), against a model of the test's own that does
 * one image after the other. 1e-4 on probabilities is what promise 2 allows; logits at scale 41.5
 * are compared at 1e-4 times that scale, the error of a cosine that a batch's shape may cause.
 */
class ClipDevicesTest {
  private static final ClipConfig CLIP = RandomClip.tiny();
  private static final String BACKBONE = "ef".repeat(32);
  private static final List<String> DOMAINS = List.of("sketch", "thermal", "sodium", "unseen");
  private static final LabelSet LABELS = RandomClip.labels(CLIP, 20, 3);

  private final ClipModel model = RandomClip.load(CLIP, "cpu", Precision.FP32, 1);
  private final TaskPool pool = TaskPool.open(new InMemoryTaskStore(), BACKBONE, CLIP.embedDim());
  private final Devices devices = devices(List.of("cpu", "cpu"), 8);

  private Devices devices(List<String> names, int maxBatchSize) {
    Devices made =
        new Devices(
            device -> () -> ClipEncoder.of(RandomClip.load(CLIP, device, Precision.FP32, 1)),
            CLIP,
            FakeWorld.TOKENIZER,
            pool,
            FakeServer.config(names, maxBatchSize, 1000, 1 << 20),
            System::nanoTime);
    made.start();
    return made;
  }

  @AfterEach
  void close() {
    devices.close();
    model.close();
    pool.close();
  }

  private TaskVersion version(String domain, int seed) {
    int rows = 120;
    List<float[]> images = new ArrayList<>();
    int[] classOf = new int[rows];
    for (int i = 0; i < rows; i++) {
      images.add(RandomClip.image(CLIP, domain, 10_000 * (seed + 1) + i));
      classOf[i] = i % 2;
    }
    float[] features;
    try (PrefixBank empty = model.bank(List.of())) {
      features = model.imageFeatures(images, empty, new int[rows], new float[rows]);
    }
    return new TaskVersion(
        domain,
        List.of("one", "two"),
        "a {}",
        RandomClip.prefixes(CLIP, 2, 4, 0.5, domain.hashCode() + seed),
        FeatureStatistics.of(features, CLIP.embedDim(), classOf, 2),
        GateConstants.fit(GateKind.ROBUST, features, CLIP.embedDim(), classOf, 2),
        HeadConstants.fit(features, CLIP.embedDim(), classOf, 2),
        Map.of(),
        Map.of(),
        seed,
        BACKBONE,
        Instant.EPOCH);
  }

  private void teach(String... domains) {
    for (String domain : domains) {
      pool.publish(version(domain, 0));
    }
    get(devices.installed(pool.snapshot().epoch()));
  }

  private CompletableFuture<Classification> classify(float[] pixels) {
    return classify(devices, pixels);
  }

  private static CompletableFuture<Classification> classify(Devices devices, float[] pixels) {
    return devices.classify(
        new ImageQuery(
            pixels, new Candidates.Explicit(LABELS), ScoringRule.DIKI, Long.MAX_VALUE, "source"));
  }

  private static float[] image(int number) {
    return RandomClip.image(CLIP, DOMAINS.get(number % DOMAINS.size()), number);
  }

  /** One image by itself: both passes as batches of one, texts at exactly its gate weight. */
  private Classification alone(PoolSnapshot snapshot, float[] pixels) {
    List<Prefixes> prefixes =
        snapshot.tasks().stream().map(task -> task.version().prefixes()).toList();
    try (PrefixBank bank = model.bank(prefixes)) {
      float[] features = model.imageFeatures(List.of(pixels), bank, new int[1], new float[1]);
      Route route = snapshot.route(features, 0);
      int slot = 0;
      float gateWeight = 0;
      if (route != null && route.gateWeight() > 1e-5) {
        slot = route.slot();
        gateWeight = (float) route.gateWeight();
        features =
            model.imageFeatures(List.of(pixels), bank, new int[] {slot}, new float[] {gateWeight});
      }
      int count = LABELS.prompts().size();
      List<int[]> texts = IntStream.range(0, count).mapToObj(ClipDevicesTest::tokens).toList();
      int[] slots = new int[count];
      float[] gateWeights = new float[count];
      Arrays.fill(slots, slot);
      Arrays.fill(gateWeights, gateWeight);
      float[] text = model.textFeatures(texts, bank, slots, gateWeights);
      float[] logits = new float[count];
      double total = 0;
      for (int p = 0; p < count; p++) {
        int at = p * CLIP.embedDim();
        float[] one = Arrays.copyOfRange(text, at, at + CLIP.embedDim());
        logits[p] = (float) (model.logitScale() * FakeWorld.dot(features, one));
        total += Math.exp(logits[p]);
      }
      float[] probabilities = new float[logits.length];
      for (int p = 0; p < logits.length; p++) {
        probabilities[p] = (float) (Math.exp(logits[p]) / total);
      }
      return new Classification(
          LABELS, probabilities, logits, routing(snapshot, route), null, snapshot.epoch());
    }
  }

  private static int[] tokens(int prompt) {
    return LABELS.prompts().get(prompt).tokens().stream().mapToInt(Integer::intValue).toArray();
  }

  private static Classification.@Nullable Routing routing(
      PoolSnapshot snapshot, @Nullable Route route) {
    return route == null
        ? null
        : new Classification.Routing(
            snapshot.tasks().get(route.slot()).name(),
            snapshot.tasks().get(route.slot()).versionId(),
            (float) route.gateWeight(),
            route.logDensity(),
            route.z());
  }

  private static void assertSame(Classification expected, Classification actual, double logits) {
    assertEquals(expected.epoch(), actual.epoch());
    assertArrayEquals(expected.probabilities(), actual.probabilities(), 1e-4f);
    assertArrayEquals(expected.logits(), actual.logits(), (float) logits);
    if (expected.routing() != null) {
      assertNotNull(actual.routing());
      assertEquals(expected.routing().versionId(), actual.routing().versionId());
      assertEquals(expected.routing().gateWeight(), actual.routing().gateWeight(), 1e-4);
    }
  }

  @Test
  void classify_noTasks_equalsThePlainModel() {
    for (int i = 0; i < 8; i++) {
      assertSame(alone(pool.snapshot(), image(i)), get(classify(image(i))), 1e-4);
    }
  }

  @Test
  void classify_aloneInFullBatchesOrByAnotherWorker_sameAnswer() {
    teach("sketch", "thermal", "sodium");
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    CountDownLatch queued = new CountDownLatch(1);
    devices.workers().forEach(worker -> holdUntil(worker, queued));
    for (int i = 0; i < 96; i++) {
      answers.add(classify(image(i)));
    }
    queued.countDown();
    List<Classification> crowded = answers.stream().map(FakeServer::get).toList();
    try (Devices single = devices(List.of("cpu"), 1)) {
      int adapted = 0;
      for (int i = 0; i < crowded.size(); i++) {
        assertSame(get(classify(single, image(i))), crowded.get(i), 2e-3);
        // 0.0008 logits of interpolation and the rounding of a batch's shape.
        assertSame(alone(pool.snapshot(), image(i)), crowded.get(i), 3e-3);
        adapted += Objects.requireNonNull(crowded.get(i).routing()).gateWeight() > 0.5 ? 1 : 0;
      }
      assertTrue(adapted >= 48, "images with a task: " + adapted);
    }
    assertTrue(devices.stats().stream().anyMatch(stats -> stats.meanBatchSize() > 2));
  }

  /** The device stands in a step meanwhile. */
  private static void holdUntil(DeviceWorker worker, CountDownLatch latch) {
    CountDownLatch held = new CountDownLatch(1);
    var unused =
        worker.step(
            clip -> {
              held.countDown();
              FakeServer.await(latch);
              return true;
            });
    FakeServer.await(held);
  }

  @Test
  void classify_taskTaughtAndDeleted_answersAreBitIdentical() {
    teach("sketch");
    List<Classification> before = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      before.add(get(classify(image(i))));
    }
    teach("thermal", "sodium");
    Classification changed = get(classify(image(1)));
    assertNotEquals(before.get(1).routing(), changed.routing());
    pool.delete("thermal");
    get(devices.installed(pool.delete("sodium").epoch()));
    for (int i = 0; i < 8; i++) {
      Classification after = get(classify(image(i)));
      assertArrayEquals(before.get(i).probabilities(), after.probabilities());
      assertArrayEquals(before.get(i).logits(), after.logits());
      assertEquals(before.get(i).routing(), after.routing());
    }
  }

  @Test
  void classify_whileThePoolChanges_everyAnswerBelongsToTheEpochItNames() throws Exception {
    Map<Long, PoolSnapshot> snapshots = new ConcurrentHashMap<>();
    snapshots.put(pool.snapshot().epoch(), pool.snapshot());
    pool.listen(snapshot -> snapshots.put(snapshot.epoch(), snapshot));
    List<TaskVersion> versions = new ArrayList<>();
    for (String domain : DOMAINS.subList(0, 3)) {
      versions.add(version(domain, 0));
      versions.add(version(domain, 1));
    }
    AtomicBoolean stop = new AtomicBoolean();
    Thread publisher =
        new Thread(
            () -> {
              for (int i = 0; !stop.get(); i++) {
                pool.publish(versions.get(i * 5 % versions.size()));
              }
            });
    publisher.start();
    List<Integer> numbers = Collections.synchronizedList(new ArrayList<>());
    List<Classification> answers = Collections.synchronizedList(new ArrayList<>());
    List<Thread> callers = new ArrayList<>();
    for (int caller = 0; caller < 3; caller++) {
      int first = 1000 * caller;
      callers.add(
          new Thread(
              () -> {
                for (int i = first; i < first + 100; i++) {
                  Classification answer = get(classify(image(i)));
                  synchronized (answers) {
                    numbers.add(i);
                    answers.add(answer);
                  }
                }
              }));
    }
    callers.forEach(Thread::start);
    for (Thread caller : callers) {
      caller.join();
    }
    stop.set(true);
    publisher.join();
    assertEquals(300, answers.size());
    for (int i = 0; i < answers.size(); i++) {
      PoolSnapshot snapshot = Objects.requireNonNull(snapshots.get(answers.get(i).epoch()));
      assertSame(alone(snapshot, image(numbers.get(i))), answers.get(i), 3e-3);
    }
    assertTrue(answers.stream().map(Classification::epoch).distinct().count() > 3);
  }

  @Test
  void classify_otherLabelsAndTasksAskedForBefore_answersAreBitIdentical() {
    teach("sketch");
    List<Classification> first = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      first.add(get(classify(image(i))));
    }
    try (Devices other = devices(List.of("cpu"), 4)) {
      // The same texts one by one in sets of their own, in another order, among others.
      for (int p = LABELS.prompts().size() - 1; p >= 0; p--) {
        LabelSet.Prompt prompt = LABELS.prompts().get(p);
        LabelSet single =
            new LabelSet(
                List.of(prompt.text()),
                List.of(new LabelSet.Prompt(prompt.text(), 0, prompt.tokens())),
                List.of(List.of()));
        for (int i = 3; i >= 0; i--) {
          get(
              other.classify(
                  new ImageQuery(
                      image(i),
                      new Candidates.Explicit(single),
                      ScoringRule.DIKI,
                      Long.MAX_VALUE,
                      "source")));
        }
      }
      for (int i = 0; i < 4; i++) {
        Classification again = get(classify(other, image(i)));
        assertArrayEquals(first.get(i).logits(), again.logits());
        assertArrayEquals(first.get(i).probabilities(), again.probabilities());
      }
    }
  }

  @Test
  void textFeatures_interpolatedOnTheGrid_areThoseAtTheGateWeight() {
    Prefixes prefixes = RandomClip.prefixes(CLIP, 2, 4, 0.5, 9);
    float[] image;
    double worst = 0;
    try (PrefixBank bank = model.bank(List.of(prefixes))) {
      image = model.imageFeatures(List.of(image(0)), bank, new int[1], new float[] {0.7f});
      for (int step = 0; step <= 200; step++) {
        float gateWeight = step / 200f;
        GridSegment segment = GridSegment.of(gateWeight);
        for (int p = 0; p < 5; p++) {
          float[] exact = text(bank, p, gateWeight);
          float[] low = text(bank, p, GridSegment.gateWeight(segment.low()));
          float[] high = text(bank, p, GridSegment.gateWeight(segment.high()));
          float[] scores =
              new LabelFeatures(FakeWorld.labels("one"), CLIP.embedDim(), low, high)
                  .score(image, segment.share(), model.logitScale())
                  .logits();
          double direct = model.logitScale() * FakeWorld.dot(image, exact);
          worst = Math.max(worst, Math.abs(direct - scores[0]));
        }
      }
    }
    assertTrue(worst < 0.0008, "worst: " + worst + " logits");
  }

  private float[] text(PrefixBank bank, int prompt, float gateWeight) {
    return model.textFeatures(List.of(tokens(prompt)), bank, new int[1], new float[] {gateWeight});
  }

  @Test
  void step_betweenBatches_runsOnTheDevicesModelInOrder() {
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    DeviceWorker worker = devices.workers().get(1);
    List<CompletableFuture<Boolean>> steps = new ArrayList<>();
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      int number = i;
      steps.add(
          worker.step(
              clip -> {
                order.add(number);
                return order.size() == number + 1 && clip.config().equals(CLIP);
              }));
      answers.add(classify(image(i)));
    }
    steps.forEach(step -> assertTrue(get(step)));
    answers.forEach(FakeServer::get);
    CompletableFuture<Object> failing =
        worker.step(
            clip -> {
              throw new IllegalStateException("diverged");
            });
    assertEquals("diverged", failing.handle((done, error) -> error.getMessage()).join());
    get(worker.step(clip -> true));
    assertEquals(21 + 1, devices.stats().get(1).steps());
  }
}
