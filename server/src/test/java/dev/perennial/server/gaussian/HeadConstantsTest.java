package dev.perennial.server.gaussian;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HeadConstantsTest {
  private static HeadConstants fit(Rows rows) {
    return HeadConstants.fit(rows.features, rows.dimension, rows.classOf, rows.classes);
  }

  @Test
  void fit_slowTwin_sameTau() {
    for (int n : new int[] {12, 60, 400}) {
      Rows rows = Rows.random(n, n, 10, 4);
      for (int r = 0; r < n; r += 4) {
        rows.classOf[r] = r / 4 % 4; // else the classes lie apart, and every large tau is perfect
      }
      assertEquals(slowTau(rows), fit(rows).tau(), "rows: " + n);
    }
  }

  /** Every fifth of each class is judged by a twin that saw the rest. */
  private static double slowTau(Rows rows) {
    int[] fold = new int[rows.size()];
    int dealt = 0;
    for (int c = 0; c < rows.classes; c++) {
      for (int r = 0; r < rows.size(); r++) {
        if (rows.classOf[r] == c) {
          fold[r] = dealt++ % 5;
        }
      }
    }
    SlowHead[] heads = new SlowHead[5];
    for (int f = 0; f < 5; f++) {
      int out = f;
      heads[f] =
          new SlowHead(
              rows.pick(IntStream.range(0, rows.size()).filter(r -> fold[r] != out).toArray()));
    }
    double best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (double k = -6; k <= 8; k += 0.5) {
      double tau = Math.pow(2, k);
      double loss = 0;
      for (int r = 0; r < rows.size(); r++) {
        loss -=
            heads[fold[r]].logProbability(rows.features, r * rows.dimension, tau, rows.classOf[r]);
      }
      if (loss < least) {
        least = loss;
        best = tau;
      }
    }
    return best;
  }

  @Test
  void fit_robustGate_sameDomain() {
    Rows rows = Rows.random(3, 80, 12, 3);
    GateConstants gate = rows.fit(GateKind.ROBUST);
    HeadConstants head = fit(rows);
    assertEquals(gate.meanLogDensity(), head.meanLogDensity());
    assertEquals(gate.stdLogDensity(), head.stdLogDensity());
  }

  @Test
  void fit_fewRows_formula() {
    Rows rows = Rows.random(4, 4, 6, 2);
    assertEquals(4 / (4 + 4 * 6.0), fit(rows).tau());
  }

  @Test
  void ofSums_robustGate_formulaAndItsDomain() {
    FeatureStatistics statistics = Rows.random(5, 96, 8, 3).statistics();
    HeadConstants head = HeadConstants.ofSums(statistics, new GateConstants(GateKind.ROBUST, 7, 3));
    assertEquals(new HeadConstants(0.75, 7, 3), head);
  }

  @Test
  void ofSums_paperGate_domainOfAGaussianUnderItself() {
    FeatureStatistics statistics = Rows.random(6, 96, 8, 3).statistics();
    HeadConstants head = HeadConstants.ofSums(statistics, new GateConstants(GateKind.PAPER, 7, 3));
    double peak = new TaskGaussian(statistics, new GateConstants(GateKind.ROBUST, 0, 1)).peak();
    assertEquals(new HeadConstants(0.75, peak - 4, 2), head);
  }

  @Test
  void constructor_unusable_refused() {
    assertThrows(IllegalArgumentException.class, () -> new HeadConstants(0, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> new HeadConstants(Double.NaN, 0, 1));
    assertThrows(
        IllegalArgumentException.class, () -> new HeadConstants(1, Double.NEGATIVE_INFINITY, 1));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> new HeadConstants(1, 0, 0));
    assertEquals("std of log-density: 0.0 (expected: finite, above 0)", e.getMessage());
  }

  @Test
  void logSpace_extremes_finite() {
    assertEquals(1000 + Math.log(2), LogSpace.logSumExp(new double[] {1000, 1000}));
    assertEquals(Double.NEGATIVE_INFINITY, LogSpace.logSumExp(new double[0]));
    assertEquals(-1000, LogSpace.logSigmoid(-1000));
    assertEquals(-Math.exp(-50), LogSpace.logSigmoid(50), 1e-30);
  }
}
