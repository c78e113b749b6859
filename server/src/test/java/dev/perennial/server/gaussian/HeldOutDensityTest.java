package dev.perennial.server.gaussian;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HeldOutDensityTest {
  private static final int D = 16;

  /** Normal rows whose deviations go from 0.02 to 0.16. */
  private static float[] normal(Random random, int n) {
    float[] rows = new float[n * D];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = 0.02f * (1 + i % 8) * (float) random.nextGaussian();
    }
    return rows;
  }

  /** Its slow twin fits again and again, and asks about rows that the fit has not seen. */
  @ParameterizedTest
  @EnumSource(GateKind.class)
  void of_normalRows_asManyFitsOnFreshRowsSay(GateKind kind) {
    for (int n : new int[] {128, 400, 1_000}) {
      Random random = new Random(n);
      double expectedMean = 0;
      double expectedStd = 0;
      double mean = 0;
      double squares = 0;
      int fits = 300;
      int fresh = 40;
      for (int fit = 0; fit < fits; fit++) {
        FeatureStatistics statistics = FeatureStatistics.of(normal(random, n), D, new int[n], 1);
        HeldOutDensity expected = HeldOutDensity.of(statistics, kind);
        expectedMean += expected.mean() / fits;
        expectedStd += expected.std() / fits;
        TaskGaussian gaussian = new TaskGaussian(statistics, new GateConstants(kind, 0, 1));
        for (double value : gaussian.logDensities(normal(random, fresh), 0, fresh)) {
          mean += value / (fits * fresh);
          squares += value * value / (fits * fresh);
        }
      }
      assertEquals(mean, expectedMean, 0.2 * Math.sqrt(D / 2.0), kind + ", rows: " + n);
      assertEquals(1, expectedStd / Math.sqrt(squares - mean * mean), 0.15, kind + ", " + n);
    }
  }

  @Test
  void of_rowsThatDoNotVary_finite() {
    for (int n : new int[] {1, 2, 9}) {
      float[] equal = new float[n * D];
      Arrays.fill(equal, 0.25f);
      for (GateKind kind : GateKind.values()) {
        FeatureStatistics statistics = FeatureStatistics.of(equal, D, new int[n], 1);
        HeldOutDensity density = HeldOutDensity.of(statistics, kind);
        assertTrue(Double.isFinite(density.mean()) && density.std() >= 0, density::toString);
        GateConstants grown = new GateConstants(kind, 1, 2).grown(statistics, statistics);
        assertEquals(2, grown.stdLogDensity());
        assertEquals(1, grown.meanLogDensity(), 1e-9);
      }
    }
  }

  /** A fit to all rows would say nearly the same; the constants as they were are far off. */
  @Test
  void grown_moreRows_nearAFitToAll() {
    int few = 20;
    int many = 800;
    float[] all = normal(new Random(5), many);
    float[] own = Arrays.copyOf(all, few * D);
    GateConstants fitted = GateConstants.fit(GateKind.ROBUST, own, D, new int[few], 1);
    GateConstants whole = GateConstants.fit(GateKind.ROBUST, all, D, new int[many], 1);
    GateConstants grown =
        fitted.grown(
            FeatureStatistics.of(own, D, new int[few], 1),
            FeatureStatistics.of(all, D, new int[many], 1));
    double std = whole.stdLogDensity();
    double before = whole.meanLogDensity() - fitted.meanLogDensity();
    double after = whole.meanLogDensity() - grown.meanLogDensity();
    assertTrue(before > std, fitted + " is not far from " + whole);
    assertTrue(Math.abs(after) < before / 2, grown + " is not near " + whole);
    assertEquals(1, grown.stdLogDensity() / std, 0.25);
  }

  @Test
  void grown_tau_pooledByRowsBetweenItsOwnAndTheFormula() {
    Rows all = Rows.random(6, 400, 24, 3);
    Rows own = all.pick(IntStream.range(0, 100).toArray());
    GateConstants domain = own.fit(GateKind.ROBUST);
    HeadConstants constants = new HeadConstants(0.02, 0, 1);
    double formula = 400 / (400 + 4.0 * 24);
    double ownGrown = 0.02 * formula / (100 / (100 + 4.0 * 24));
    HeadConstants grown = constants.grown(own.statistics(), all.statistics(), domain);
    assertEquals(0.25 * ownGrown + 0.75 * formula, grown.tau(), 1e-12);
    assertEquals(0.02, constants.grown(own.statistics(), own.statistics(), domain).tau(), 1e-12);
  }
}
