package dev.perennial.server.gaussian;

/**
 * Where a task's classes lie and how its images scatter around them, from the integers alone: the
 * class means as deviations from the task's mean, and the covariance S_w within the classes, of
 * divisor n - C, with C the classes that have rows. The same statistics always give the same bits.
 *
 * <p>The scatter within is the total scatter less the scatter between:
 *
 * <pre>(n - C) S_w = (n - 1) S - sum_c n_c e_c e_c^T,   e_c = mean_c - mean</pre>
 *
 * <p>S and each e_c come from exact integer differences ({@link
 * FeatureStatistics#differenceOfProducts}), so what is subtracted is never larger than the scatter
 * itself, and nothing is lost to the features' common offset.
 *
 * <p>Where no class has two rows there is no scatter within, and S stands for S_w. A class without
 * rows is put at the task's mean.
 */
final class WithinClasses {
  private final FeatureStatistics statistics;
  private final int classesWithRows;
  private final double[] deviations; // (K, d) row by row

  WithinClasses(FeatureStatistics statistics) {
    this.statistics = statistics;
    int with = 0;
    for (int c = 0; c < statistics.classes(); c++) {
      with += statistics.count(c) > 0 ? 1 : 0;
    }
    this.classesWithRows = with;
    this.deviations = deviationsOf(statistics);
  }

  /** e_c: per class its mean less the task's; zero for a class without rows. */
  private static double[] deviationsOf(FeatureStatistics statistics) {
    int d = statistics.dimension();
    long n = statistics.count();
    long[] sums = statistics.classSums();
    double[] deviations = new double[sums.length];
    long[] all = new long[d];
    for (int at = 0; at < sums.length; at++) {
      all[at % d] += sums[at];
    }
    for (int c = 0, at = 0; c < statistics.classes(); c++) {
      long rows = statistics.count(c);
      double divisor = (double) rows * n * FeatureStatistics.SCALE;
      for (int i = 0; i < d; i++, at++) {
        deviations[at] =
            rows == 0
                ? 0
                : FeatureStatistics.differenceOfProducts(n, sums[at], rows, all[i]) / divisor;
      }
    }
    return deviations;
  }

  /** C. */
  int classesWithRows() {
    return classesWithRows;
  }

  /** (K, d) row by row; not a copy. */
  double[] deviations() {
    return deviations;
  }

  /** n - C, or n - 1 where that is 0: the divisor of {@link #covariance}. */
  long degreesOfFreedom() {
    long within = statistics.count() - classesWithRows;
    return within > 0 ? within : statistics.count() - 1;
  }

  /** S_w, upper triangle row by row. */
  double[] covariance() {
    double[] scatter = statistics.covariance();
    long n = statistics.count();
    if (n == classesWithRows) {
      return scatter;
    }
    int d = statistics.dimension();
    for (int i = 0; i < scatter.length; i++) {
      scatter[i] *= n - 1;
    }
    for (int c = 0; c < statistics.classes(); c++) {
      int base = c * d;
      for (int i = 0, row = 0; i < d; row += d - i, i++) {
        double factor = statistics.count(c) * deviations[base + i];
        UpperCholesky.subtractScaled(scatter, row, deviations, base + i, factor, d - i);
      }
    }
    double divisor = n - classesWithRows;
    for (int i = 0; i < scatter.length; i++) {
      scatter[i] /= divisor;
    }
    for (int i = 0, row = 0; i < d; row += d - i, i++) {
      scatter[row] = Math.max(0, scatter[row]); // a rounding below nothing
    }
    return scatter;
  }
}
