package dev.perennial.server.device;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.clip.RandomClip;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.scoring.UnionScoring;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskVersion;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * What routing and union scoring cost beside one pass of the image tower of ViT-B/16's size, with
 * 100 tasks of 100 classes and a question about all of them: both on one thread, in turn. Tasks are
 * domains of their own, or all of one domain (then no Gaussian can be left early). From the
 * repository's root, with the class path of {@code PoolSnapshotBenchmark}:
 *
 * <pre>{@code
 * java -Xmx6g -Dai.djl.pytorch.num_threads=1 -Dai.djl.pytorch.num_interop_threads=1 -cp ... \
 *     dev.perennial.server.device.UnionScoringBenchmark bf16 10
 * }</pre>
 *
 * <p>Arguments: precision, rounds.
 */
public final class UnionScoringBenchmark {
  private static final int DIMENSION = 512;
  private static final int TASKS = 100;
  private static final int CLASSES = 100;
  private static final int ROWS_PER_CLASS = 16;
  private static final int BATCH = 16;
  private static final float SCALE = 100;

  private final ServedPool pool;
  private final KnownLabels knownLabels = new KnownLabels(FakeWorld.TOKENIZER);
  private final Question question;
  private final List<float[]> images = new ArrayList<>();
  private final Map<AnswerPlan.Texts, LabelFeatures> texts = new HashMap<>();

  private UnionScoringBenchmark(boolean ownDomains, Candidates.AllKnown asked) {
    List<ActiveTask> tasks =
        IntStream.range(0, TASKS).parallel().mapToObj(t -> task(t, ownDomains)).toList();
    this.pool = ServedPool.of(new PoolSnapshot(1, tasks));
    this.question = knownLabels.question(asked, pool.snapshot());
    for (int i = 0; i < BATCH; i++) {
      int task = 7 * i % TASKS;
      images.add(rows(task, ownDomains, 1000 + i, new int[] {i % CLASSES}));
    }
  }

  /** Classes around their task's centre; all centres share a direction, as CLIP's do. */
  private static float[] rows(int task, boolean ownDomains, long seed, int[] classOf) {
    float[] domain = gaussians(ownDomains ? task : 0, DIMENSION);
    Random noise = new Random(seed);
    float[] rows = new float[classOf.length * DIMENSION];
    for (int row = 0; row < classOf.length; row++) {
      float[] own = gaussians(1_000_003L * task + classOf[row] + 17, DIMENSION);
      double squares = 0;
      for (int i = 0; i < DIMENSION; i++) {
        float value = 1 + 0.4f * domain[i] + 0.3f * own[i] + 0.4f * (float) noise.nextGaussian();
        rows[row * DIMENSION + i] = value;
        squares += (double) value * value;
      }
      for (int i = 0; i < DIMENSION; i++) {
        rows[row * DIMENSION + i] /= (float) Math.sqrt(squares);
      }
    }
    return rows;
  }

  private static float[] gaussians(long seed, int count) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static ActiveTask task(int number, boolean ownDomains) {
    int[] classOf = new int[CLASSES * ROWS_PER_CLASS];
    Arrays.setAll(classOf, row -> row % CLASSES);
    float[] features = rows(number, ownDomains, number, classOf);
    FeatureStatistics statistics = FeatureStatistics.of(features, DIMENSION, classOf, CLASSES);
    GateConstants gate = new GateConstants(GateKind.ROBUST, 1000, 16);
    HeadConstants head = new HeadConstants(0.5, 1000, 16);
    List<float[]> one = List.of(new float[DIMENSION]);
    TaskVersion version =
        new TaskVersion(
            "task-%03d".formatted(number),
            IntStream.range(0, CLASSES).mapToObj(c -> number + " " + c).toList(),
            "a photo of a {}",
            new Prefixes(1, one, one, one, one),
            statistics,
            gate,
            head,
            Map.of(),
            Map.of(),
            0,
            FakeWorld.BACKBONE,
            Instant.EPOCH);
    return ActiveTask.of("%064d".formatted(number), version);
  }

  private UnionPlan plan(UnionRoute route) {
    UnionScoring scoring = new UnionScoring(UnionScoring.DEFAULT_BIAS);
    return new UnionPlan(pool, knownLabels, question, scoring, route);
  }

  /** Of the whole batch together, or of each image by itself. */
  private List<UnionPlan> plans(boolean together) {
    List<ActiveTask> tasks = pool.snapshot().tasks();
    List<UnionPlan> plans = new ArrayList<>();
    List<TaskSearch> found = together ? TaskSearch.of(tasks, question.owners(), images) : List.of();
    for (int i = 0; i < images.size(); i++) {
      UnionRoute route =
          together
              ? UnionRoute.of(tasks, found.get(i))
              : UnionRoute.of(pool.snapshot(), question.owners(), images.get(i));
      plans.add(plan(Objects.requireNonNull(route)));
    }
    return plans;
  }

  private Classification answer(UnionPlan plan, float[] image) {
    Map<Branch, float[]> features = new HashMap<>();
    features.put(Branch.FROZEN, image);
    plan.branches().forEach(branch -> features.put(branch, image));
    plan.texts().forEach(wanted -> texts.computeIfAbsent(wanted, this::textFeatures));
    return plan.answer(features, texts, SCALE);
  }

  private LabelFeatures textFeatures(AnswerPlan.Texts wanted) {
    int count = wanted.labels().prompts().size() * DIMENSION;
    float[] columns = gaussians(wanted.hashCode(), count);
    for (int i = 0; i < count; i++) {
      columns[i] /= (float) Math.sqrt(DIMENSION);
    }
    return new LabelFeatures(wanted.labels(), DIMENSION, columns, null);
  }

  /** Seconds an image: routed together, routed alone, answered; and branches an image. */
  private double[] scored() {
    long start = System.nanoTime();
    List<UnionPlan> plans = plans(true);
    long routed = System.nanoTime();
    List<UnionPlan> alone = plans(false);
    long routedAlone = System.nanoTime();
    double branches = 0;
    for (int i = 0; i < BATCH; i++) {
      Classification answer = answer(plans.get(i), images.get(i));
      if (!(answer.probabilities()[0] >= 0)
          || !alone.get(i).branches().equals(plans.get(i).branches())) {
        throw new IllegalStateException("an image is routed otherwise in a batch");
      }
      branches += plans.get(i).branches().size();
    }
    long answered = System.nanoTime();
    double perImage = 1e9 * BATCH;
    return new double[] {
      (routed - start) / perImage,
      (routedAlone - routed) / perImage,
      (answered - routedAlone) / perImage,
      branches / BATCH
    };
  }

  /** Runs it; see above. */
  public static void main(String[] arguments) {
    Precision precision = arguments[0].equals("bf16") ? Precision.BF16 : Precision.FP32;
    int rounds = Integer.parseInt(arguments[1]);
    LabelSet extra = FakeWorld.manyLabels("unlearnt ", CLASSES);
    Map<String, UnionScoringBenchmark> cases = new LinkedHashMap<>();
    cases.put("100 domains", new UnionScoringBenchmark(true, new Candidates.AllKnown(null)));
    cases.put(
        "100 domains, 100 unlearnt labels",
        new UnionScoringBenchmark(true, new Candidates.AllKnown(extra)));
    cases.put("one domain", new UnionScoringBenchmark(false, new Candidates.AllKnown(null)));
    cases.values().forEach(one -> IntStream.range(0, 100).forEach(i -> one.scored()));
    Map<String, List<double[]>> seconds = new LinkedHashMap<>();
    List<Double> passes = new ArrayList<>();
    try (ClipModel model = RandomClip.load(RandomClip.vitB16(), "cpu", precision, 1);
        PrefixBank none = model.bank(List.of())) {
      List<float[]> pixels =
          IntStream.range(0, BATCH).mapToObj(i -> gaussians(i, 3 * 224 * 224)).toList();
      model.imageFeatures(pixels, none, new int[BATCH], new float[BATCH]);
      for (int round = 0; round < rounds; round++) {
        long start = System.nanoTime();
        model.imageFeatures(pixels, none, new int[BATCH], new float[BATCH]);
        passes.add((System.nanoTime() - start) / 1e9 / BATCH);
        cases.forEach(
            (name, one) ->
                seconds.computeIfAbsent(name, first -> new ArrayList<>()).add(one.scored()));
      }
    }
    report(median(passes), seconds);
  }

  private static void report(double pass, Map<String, List<double[]>> seconds) {
    System.out.printf("one pass of the image tower: %.1f ms an image%n", 1e3 * pass);
    seconds.forEach(
        (name, all) -> {
          double[] medians = new double[4];
          Arrays.setAll(medians, i -> median(all.stream().map(one -> one[i]).toList()));
          System.out.printf(
              "%s: routing %.2f ms (alone %.2f), answer %.2f ms, %.2f branches;"
                  + " together %.2f %% of a pass (alone %.2f)%n",
              name,
              1e3 * medians[0],
              1e3 * medians[1],
              1e3 * medians[2],
              medians[3],
              100 * (medians[0] + medians[2]) / pass,
              100 * (medians[1] + medians[2]) / pass);
        });
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }
}
