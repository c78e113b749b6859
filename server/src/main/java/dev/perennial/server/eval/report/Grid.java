package dev.perennial.server.eval.report;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * A T x T matrix of the protocol, row = after task j, column = task i; NaN where nothing was
 * measured. Immutable.
 */
final class Grid {
  private final double[][] cells;

  /** Takes a copy; the caller has checked that it is square. */
  Grid(double[][] cells) {
    this.cells = Arrays.stream(cells).map(double[]::clone).toArray(double[][]::new);
  }

  int size() {
    return cells.length;
  }

  double at(int j, int i) {
    return cells[j][i];
  }

  /** Mean of the measured cells of a row; NaN where there are none. */
  double rowMean(int j) {
    return mean(Arrays.stream(cells[j]).toArray());
  }

  /** Cell by cell the mean over grids of one size, at least one. */
  static Grid mean(List<Grid> grids) {
    int size = grids.get(0).size();
    double[][] mean = new double[size][size];
    for (int j = 0; j < size; j++) {
      for (int i = 0; i < size; i++) {
        mean[j][i] = mean(values(grids, cell(j, i)));
      }
    }
    return new Grid(mean);
  }

  /** One cell of each grid. */
  static double[] values(List<Grid> grids, ToDoubleFunction<Grid> cell) {
    return grids.stream().mapToDouble(cell).toArray();
  }

  static ToDoubleFunction<Grid> cell(int j, int i) {
    return grid -> grid.at(j, i);
  }

  /** Mean of what is not NaN; NaN where nothing is. */
  static double mean(double[] values) {
    return Arrays.stream(values).filter(value -> !Double.isNaN(value)).average().orElse(Double.NaN);
  }
}
