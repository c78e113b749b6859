package dev.perennial.server.eval;

import java.util.Arrays;

/**
 * Accuracies of the continual-learning protocol (MTIL; ZSCL, ICCV 2023, section 4.1): row j holds,
 * after task j was learnt, the accuracy in percent on every task i's test set. Immutable.
 */
public final class AccuracyMatrix {
  private final double[][] percent;

  /** Takes a copy; the matrix must be square with at least one task and values in [0, 100]. */
  public AccuracyMatrix(double[][] percent) {
    if (percent.length == 0) {
      throw new IllegalArgumentException("tasks: 0 (expected: at least 1)");
    }
    this.percent = new double[percent.length][];
    for (int j = 0; j < percent.length; j++) {
      if (percent[j].length != percent.length) {
        throw new IllegalArgumentException(
            "row %d: %d columns (expected: %d)".formatted(j, percent[j].length, percent.length));
      }
      for (double value : percent[j]) {
        if (!(value >= 0 && value <= 100)) {
          throw new IllegalArgumentException("accuracy: %s %% (expected: 0..100)".formatted(value));
        }
      }
      this.percent[j] = percent[j].clone();
    }
  }

  /** T, the number of tasks. */
  public int tasks() {
    return percent.length;
  }

  /** Accuracy on task i after task j was learnt, in percent. */
  public double at(int j, int i) {
    return percent[j][i];
  }

  /** A copy: row = after task j, column = task i. */
  public double[][] rows() {
    return Arrays.stream(percent).map(double[]::clone).toArray(double[][]::new);
  }

  /**
   * Mean over the tasks i >= 1 of their mean accuracy before they were learnt (j < i); NaN for one
   * task.
   */
  public double transfer() {
    double sum = 0;
    for (int i = 1; i < percent.length; i++) {
      double before = 0;
      for (int j = 0; j < i; j++) {
        before += percent[j][i];
      }
      sum += before / i;
    }
    return percent.length > 1 ? sum / (percent.length - 1) : Double.NaN;
  }

  /** Mean of the whole matrix. */
  public double average() {
    return Arrays.stream(percent).flatMapToDouble(Arrays::stream).average().orElseThrow();
  }

  /** Mean of the last row. */
  public double last() {
    return Arrays.stream(percent[percent.length - 1]).average().orElseThrow();
  }

  /** Mean over the stages of the mean accuracy on the tasks learnt by then. */
  public double learnt() {
    double sum = 0;
    for (int j = 0; j < percent.length; j++) {
      sum += Arrays.stream(percent[j], 0, j + 1).average().orElseThrow();
    }
    return sum / percent.length;
  }

  /** Mean over the stages but the last of that on the tasks not learnt yet; NaN for one task. */
  public double unlearnt() {
    double sum = 0;
    for (int j = 0; j + 1 < percent.length; j++) {
      sum += Arrays.stream(percent[j], j + 1, percent.length).average().orElseThrow();
    }
    return percent.length > 1 ? sum / (percent.length - 1) : Double.NaN;
  }

  /**
   * Backward transfer (Lopez-Paz & Ranzato, NeurIPS 2017, arXiv 1706.08840, eq. 3): mean over the
   * tasks but the last of their accuracy at the end minus that right after they were learnt.
   * Negative where something was forgotten; NaN for one task.
   */
  public double backwardTransfer() {
    int last = percent.length - 1;
    double sum = 0;
    for (int i = 0; i < last; i++) {
      sum += percent[last][i] - percent[i][i];
    }
    return last > 0 ? sum / last : Double.NaN;
  }

  /**
   * Forgetting (Chaudhry et al., ECCV 2018, arXiv 1801.10112, eq. 3): mean over the tasks but the
   * last of their best accuracy from when they were learnt until the last but one stage, minus that
   * at the end. NaN for one task.
   */
  public double forgetting() {
    int last = percent.length - 1;
    double sum = 0;
    for (int i = 0; i < last; i++) {
      double best = Double.NEGATIVE_INFINITY;
      for (int j = i; j < last; j++) {
        best = Math.max(best, percent[j][i]);
      }
      sum += best - percent[last][i];
    }
    return last > 0 ? sum / last : Double.NaN;
  }
}
