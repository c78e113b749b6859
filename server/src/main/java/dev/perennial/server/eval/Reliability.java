package dev.perennial.server.eval;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Whether a method knows what it knows, over all stages after the first task. Immutable; the arrays
 * belong to it.
 *
 * @param learnt pictures of tasks that were learnt
 * @param unlearnt pictures of the others
 * @param risk at coverage k / {@value #STEPS}, k from 1: the share of wrong answers in percent
 *     among that share of all pictures of both kinds, the most confident first (El-Yaniv & Wiener,
 *     JMLR 2010)
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record Reliability(Bins learnt, Bins unlearnt, double[] risk) {
  /** Points of the risk-coverage curve. */
  public static final int STEPS = 20;

  /**
   * Answers by their confidence, in {@value #COUNT} bins of equal width over [0, 1]; the last holds
   * 1 too.
   *
   * @param answers how many
   * @param confidence sum of their confidences
   * @param right how many were right
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record Bins(long[] answers, double[] confidence, long[] right) {
    /** As Guo et al. have it. */
    public static final int COUNT = 15;

    /** Without answers. */
    static Bins empty() {
      return new Bins(new long[COUNT], new double[COUNT], new long[COUNT]);
    }

    private void add(float value, boolean isRight) {
      int bin = Math.min(COUNT - 1, (int) (value * COUNT));
      answers[bin]++;
      confidence[bin] += value;
      right[bin] += isRight ? 1 : 0;
    }

    Bins plus(Bins other) {
      Bins sum = empty();
      for (int bin = 0; bin < COUNT; bin++) {
        sum.answers[bin] = answers[bin] + other.answers[bin];
        sum.confidence[bin] = confidence[bin] + other.confidence[bin];
        sum.right[bin] = right[bin] + other.right[bin];
      }
      return sum;
    }

    /**
     * Expected calibration error in percent (Guo et al., ICML 2017, arXiv 1706.04599, eq. 3): mean
     * over the answers of the distance between their bin's accuracy and its mean confidence; NaN
     * without answers.
     */
    public double expectedCalibrationError() {
      double distance = 0;
      long total = 0;
      for (int bin = 0; bin < COUNT; bin++) {
        distance += Math.abs(right[bin] - confidence[bin]);
        total += answers[bin];
      }
      return total == 0 ? Double.NaN : 100 * distance / total;
    }
  }

  /** Of all pictures, in percent: {@link Bins#expectedCalibrationError}. */
  public double expectedCalibrationError() {
    return learnt.plus(unlearnt).expectedCalibrationError();
  }

  /** Mean of the risk over all coverages, in percent; lower is better. */
  public double areaUnderRisk() {
    double sum = 0;
    for (double value : risk) {
      sum += value;
    }
    return sum / risk.length;
  }

  /** Collects answers. Used by one thread. */
  static final class Collector {
    private record Answer(float confidence, boolean right) {}

    private final Bins learnt = Bins.empty();
    private final Bins unlearnt = Bins.empty();
    private final List<Answer> answers = new ArrayList<>();

    void add(float confidence, boolean right, boolean isLearnt) {
      (isLearnt ? learnt : unlearnt).add(confidence, right);
      answers.add(new Answer(confidence, right));
    }

    Reliability done() {
      return new Reliability(learnt, unlearnt, risk());
    }

    /** Where confidences are equal, the wrong answers count first. */
    private double[] risk() {
      answers.sort(
          Comparator.comparingDouble((Answer answer) -> -answer.confidence())
              .thenComparing(Answer::right));
      double[] risk = new double[STEPS];
      int wrong = 0;
      int taken = 0;
      for (int k = 1; k <= STEPS; k++) {
        int upTo = Math.max(1, (int) ((long) answers.size() * k / STEPS));
        while (taken < upTo) {
          wrong += answers.get(taken++).right() ? 0 : 1;
        }
        risk[k - 1] = 100.0 * wrong / taken;
      }
      return risk;
    }
  }
}
