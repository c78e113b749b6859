package dev.perennial.server.gaussian;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.annotations.SerializedName;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TaskGaussianTest {
  /** One case of gaussians.json. */
  @SuppressWarnings("ArrayRecordComponent") // parsed, never compared
  private record Golden(
      String name,
      int dimension,
      int classes,
      float[] features,
      int[] classOf,
      float[] probes,
      double[] mean,
      double shrinkage,
      @SerializedName("PAPER") GoldenGate paper,
      @SerializedName("ROBUST") GoldenGate robust) {
    Rows rows() {
      return new Rows(dimension, classes, features, classOf);
    }

    GoldenGate gate(GateKind kind) {
      return kind == GateKind.PAPER ? paper : robust;
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // parsed, never compared
  private record GoldenGate(
      double[] covariance,
      double[] logDensities,
      double[] ownLogDensities,
      double crossFittedMean,
      double crossFittedStd) {}

  private static Golden[] goldens() throws IOException {
    try (Reader reader =
        new InputStreamReader(
            Objects.requireNonNull(TaskGaussianTest.class.getResourceAsStream("gaussians.json")),
            StandardCharsets.UTF_8)) {
      return new Gson().fromJson(reader, Golden[].class);
    }
  }

  /** See README.md beside the goldens. */
  private static void assertClose(GateKind kind, double[] expected, double[] actual, String what) {
    double relative = kind == GateKind.PAPER ? 1e-6 : 1e-9;
    assertEquals(expected.length, actual.length, what);
    for (int i = 0; i < expected.length; i++) {
      double tolerance = relative * Math.max(1, Math.abs(expected[i]));
      assertEquals(expected[i], actual[i], tolerance, what + " " + i);
    }
  }

  @ParameterizedTest
  @EnumSource
  void logDensity_goldens_agree(GateKind kind) throws IOException {
    for (Golden golden : goldens()) {
      GoldenGate gate = golden.gate(kind);
      FeatureStatistics statistics = golden.rows().statistics();
      int d = golden.dimension();
      assertArrayEquals(golden.mean(), statistics.mean(), 1e-15, golden.name());
      assertEquals(
          golden.shrinkage(),
          TaskGaussian.shrinkage(statistics.covariance(), d, statistics.count()),
          1e-12);
      assertArrayEquals(
          gate.covariance(), TaskGaussian.regularised(statistics, kind), 1e-15, golden.name());
      TaskGaussian gaussian = new TaskGaussian(statistics, new GateConstants(kind, 0, 1));
      double[] probes =
          IntStream.range(0, 3)
              .mapToDouble(i -> gaussian.logDensity(golden.probes(), i * d))
              .toArray();
      assertClose(kind, gate.logDensities(), probes, golden.name());
      double[] own = gaussian.logDensities(golden.features(), 0, golden.classOf().length);
      assertClose(kind, gate.ownLogDensities(), own, golden.name());
    }
  }

  @ParameterizedTest
  @EnumSource
  void fit_goldens_agree(GateKind kind) throws IOException {
    for (Golden golden : goldens()) {
      GateConstants constants = golden.rows().fit(kind);
      GoldenGate gate = golden.gate(kind);
      assertClose(
          kind,
          new double[] {gate.crossFittedMean(), gate.crossFittedStd()},
          new double[] {constants.meanLogDensity(), constants.stdLogDensity()},
          golden.name());
    }
  }

  @ParameterizedTest
  @EnumSource
  void logDensities_manyRows_sameBitsAsOneByOne(GateKind kind) {
    Rows rows = Rows.random(3, 27, 40, 3);
    TaskGaussian gaussian = new TaskGaussian(rows.statistics(), rows.fit(kind));
    // Foreign rows too: their |y|^2 is large, and its last bits show in the result.
    for (Rows asked : List.of(rows, Rows.random(15, 63, 40, 3))) {
      double[] together = gaussian.logDensities(asked.features, 0, asked.size());
      for (int r = 0; r < asked.size(); r++) {
        assertEquals(gaussian.logDensity(asked.features, r * 40), together[r], 0);
      }
      double[] offset = gaussian.logDensities(asked.features, 5 * 40, 2);
      assertArrayEquals(Arrays.copyOfRange(together, 5, 7), offset, 0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void logDensity_bound_exactAboveAndBelowTheBoundOtherwise(GateKind kind) {
    Rows rows = Rows.random(4, 120, 50, 3);
    TaskGaussian gaussian = new TaskGaussian(rows.statistics(), rows.fit(kind));
    float[] probes = Rows.random(5, 30, 50, 3).features;
    double[] scratch = new double[50];
    for (int r = 0; r < 30; r++) {
      double exact = gaussian.logDensity(probes, r * 50);
      double least = exact - 1;
      assertEquals(exact, gaussian.logDensity(probes, r * 50, scratch, least), 0);
      assertEquals(exact, gaussian.logDensity(probes, r * 50, scratch, exact), 0);
      assertTrue(gaussian.logDensity(probes, r * 50, scratch, exact + 1) < exact + 1);
    }
  }

  /** Whatever the others' bounds: exact where it is not below its own. */
  @Test
  void logDensities_bounds_exactAboveAndBelowTheBoundOtherwise() {
    Rows rows = Rows.random(4, 120, 50, 3);
    TaskGaussian gaussian = new TaskGaussian(rows.statistics(), rows.fit(GateKind.ROBUST));
    List<float[]> probes = new ArrayList<>();
    Rows foreign = Rows.random(5, 9, 50, 3);
    for (int r = 0; r < 9; r++) {
      Rows from = r % 3 == 0 ? rows : foreign;
      probes.add(Arrays.copyOfRange(from.features, r * 50, (r + 1) * 50));
    }
    double[] exact = probes.stream().mapToDouble(p -> gaussian.logDensity(p, 0)).toArray();
    for (int below = 0; below < 1 << 9; below += 7) {
      double[] bounds = exact.clone();
      for (int r = 0; r < 9; r++) {
        bounds[r] += (below >> r & 1) == 1 ? 1 : 0;
      }
      double[] found = gaussian.logDensities(probes, bounds);
      for (int r = 0; r < 9; r++) {
        boolean isBelow = (below >> r & 1) == 1;
        assertTrue(isBelow ? found[r] < bounds[r] : found[r] == exact[r], "row " + r);
      }
    }
  }

  @Test
  void logDensity_orderOfRowsAndShards_sameBits() {
    Rows rows = Rows.random(6, 100, 32, 5);
    GateConstants constants = new GateConstants(GateKind.ROBUST, 0, 1);
    TaskGaussian whole = new TaskGaussian(rows.statistics(), constants);
    float[] probe = Rows.random(7, 1, 32, 1).features;
    for (int seed = 0; seed < 42; seed++) {
      int[] order = shuffled(100, seed);
      int cut = 1 + seed;
      FeatureStatistics merged =
          rows.pick(Arrays.copyOfRange(order, cut, 100))
              .statistics()
              .plus(rows.pick(Arrays.copyOf(order, cut)).statistics());
      assertEquals(
          whole.logDensity(probe, 0), new TaskGaussian(merged, constants).logDensity(probe, 0), 0);
    }
  }

  private static int[] shuffled(int n, long seed) {
    Random random = new Random(seed);
    int[] order = IntStream.range(0, n).toArray();
    for (int i = n - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    return order;
  }

  /** Reflections and permutations keep integers integers, and must keep the density. */
  @ParameterizedTest
  @EnumSource
  void logDensity_axesPermutedAndReflected_same(GateKind kind) {
    int d = 20;
    Rows rows = Rows.random(8, 60, d, 3);
    float[] probe = Rows.random(9, 1, d, 1).features;
    double expected =
        new TaskGaussian(rows.statistics(), new GateConstants(kind, 0, 1)).logDensity(probe, 0);
    for (int seed = 0; seed < 10; seed++) {
      int[] order = shuffled(d, seed);
      Rows turned = new Rows(d, 3, permuted(rows.features, order, seed), rows.classOf);
      double actual =
          new TaskGaussian(turned.statistics(), new GateConstants(kind, 0, 1))
              .logDensity(permuted(probe, order, seed), 0);
      assertEquals(expected, actual, 1e-7 * Math.abs(expected));
    }
  }

  private static float[] permuted(float[] features, int[] order, int signs) {
    int d = order.length;
    float[] result = new float[features.length];
    for (int i = 0; i < features.length; i++) {
      float f = features[i - i % d + order[i % d]];
      result[i] = (i % d + signs) % 3 == 0 ? -f : f;
    }
    return result;
  }

  @ParameterizedTest
  @EnumSource
  void gate_fewOrEqualRows_definedAndOwnImageKnown(GateKind kind) {
    int d = 16;
    Rows many = Rows.random(10, 40, d, 4);
    int[][] picks = {
      {0},
      {0, 1},
      {0, 0},
      {0, 0, 0},
      {0, 0, 1},
      {0, 1, 2, 3},
      {0, 0, 0, 0, 0, 0},
      {0, 0, 0, 0, 0, 1},
      {0, 1, 2, 3, 4},
      {0, 0, 1, 1, 2, 2}
    };
    for (int[] pick : picks) {
      Rows rows = many.pick(pick);
      GateConstants constants = rows.fit(kind);
      TaskGaussian gaussian = new TaskGaussian(rows.statistics(), constants);
      float[] foreign = new float[d];
      foreign[0] = -1;
      String what = Arrays.toString(pick) + constants;
      double own = gaussian.logDensity(rows.features, 0);
      double other = gaussian.logDensity(foreign, 0);
      assertTrue(Double.isFinite(own) && Double.isFinite(other) && own > other, what);
      assertTrue(gaussian.gateWeight(own) > 0.5 || kind == GateKind.PAPER, what);
      assertTrue(gaussian.gateWeight(other) < 0.5, what + gaussian.z(other));
    }
  }

  @Test
  void fit_noRows_throws() {
    assertThrows(
        IllegalArgumentException.class,
        () -> GateConstants.fit(GateKind.ROBUST, new float[0], 4, new int[0], 2));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new TaskGaussian(
                FeatureStatistics.empty(4, 2), new GateConstants(GateKind.PAPER, 0, 1)));
  }

  @Test
  void fit_oneClassWithOneRow_finite() {
    Rows rows = Rows.random(11, 21, 12, 2);
    Arrays.fill(rows.classOf, 0);
    rows.classOf[20] = 1;
    for (GateKind kind : GateKind.values()) {
      GateConstants constants = rows.fit(kind);
      assertTrue(constants.stdLogDensity() > 0);
    }
  }

  @Test
  void folds_anyClasses_balancedAndComplete() {
    int[] classOf = {0, 1, 0, 2, 0, 0, 1, 0, 2, 1, 1, 1};
    int[][] folds = GateConstants.folds(classOf, 3);
    assertEquals(5, folds.length);
    assertArrayEquals(
        IntStream.range(0, 12).toArray(),
        Arrays.stream(folds).flatMapToInt(Arrays::stream).sorted().toArray());
    for (int[] fold : folds) {
      assertEquals(1, Arrays.stream(fold).filter(r -> classOf[r] == 0).count());
      assertEquals(1, Arrays.stream(fold).filter(r -> classOf[r] == 1).count());
    }
  }

  @Test
  void gateWeight_paper_sigmoidOfDensityPerDimension() {
    Rows rows = Rows.random(12, 60, 10, 2);
    TaskGaussian gaussian = new TaskGaussian(rows.statistics(), rows.fit(GateKind.PAPER));
    assertEquals(0.5, gaussian.gateWeight(10), 1e-15);
    assertEquals(1 / (1 + Math.exp(-1)), gaussian.gateWeight(20), 1e-15);
    assertEquals(0, gaussian.gateWeight(-1e9), 0);
    assertEquals(1, gaussian.gateWeight(1e9), 0);
  }

  @Test
  void gateWeight_robust_halfOpenFourDeviationsBelow() {
    Rows rows = Rows.random(12, 60, 10, 2);
    GateConstants constants = new GateConstants(GateKind.ROBUST, 100, 5);
    TaskGaussian gaussian = new TaskGaussian(rows.statistics(), constants);
    assertEquals(-4, gaussian.z(80), 1e-15);
    assertEquals(0.5, gaussian.gateWeight(80), 1e-15);
    assertEquals(1 / (1 + Math.exp(-2)), gaussian.gateWeight(85), 1e-15);
    assertEquals(0, gaussian.gateWeight(-1e9), 0);
  }

  @Test
  void robust_newImagesOfTheTask_openTheGateWhereThePapersStaysShut() {
    Rows all = Rows.random(13, 60, 128, 4);
    Rows few = all.pick(IntStream.range(0, 16).toArray());
    TaskGaussian robust = new TaskGaussian(few.statistics(), few.fit(GateKind.ROBUST));
    TaskGaussian paper = new TaskGaussian(few.statistics(), few.fit(GateKind.PAPER));
    Rows foreign = Rows.random(14, 30, 128, 4);
    for (int r = 16; r < 60; r++) {
      assertTrue(robust.gateWeight(robust.logDensity(all.features, r * 128)) > 0.5);
      assertTrue(paper.gateWeight(paper.logDensity(all.features, r * 128)) < 1e-3);
    }
    for (int r = 0; r < 30; r++) {
      assertTrue(robust.gateWeight(robust.logDensity(foreign.features, r * 128)) < 0.5);
    }
  }
}
