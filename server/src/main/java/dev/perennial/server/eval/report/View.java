package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.Palette;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;

/** The results with what all sections of the page derive from them alike. Immutable. */
record View(EvalResults results) {
  /**
   * The colour and marker of a method: our default has the first, the frozen model a neutral one.
   */
  int style(MethodResults method) {
    if (method.isZeroShot()) {
      return Palette.NEUTRAL;
    }
    if (method.isOurs()) {
      return 0;
    }
    int before = 1;
    for (MethodResults other : results.methods()) {
      if (other.name().equals(method.name())) {
        break;
      }
      before += other.isOurs() || other.isZeroShot() ? 0 : 1;
    }
    return before;
  }

  /**
   * The metric of the frozen model: its own row's, or else derived from the accuracies before
   * anything was learnt; NaN if there are none.
   */
  double zeroShot(Metric metric) {
    Optional<MethodResults> row = results.method(EvalResults.ZERO_SHOT);
    if (row.isPresent() && !Double.isNaN(row.get().mean(metric))) {
      return row.get().mean(metric);
    }
    double[] frozen = zeroShotByTask();
    return switch (metric) {
      case TRANSFER -> Grid.mean(Arrays.copyOfRange(frozen, 1, frozen.length));
      case AVG, LAST -> Grid.mean(frozen);
      default -> Double.NaN;
    };
  }

  /** The metric of our default; NaN if it was not run. */
  double ours(Metric metric) {
    return results.method(results.ours()).map(method -> method.mean(metric)).orElse(Double.NaN);
  }

  /** The frozen model's accuracies from the method that has most runs. */
  private double[] zeroShotByTask() {
    return results.methods().stream()
        .filter(method -> method.runs().size() == results.seeds())
        .findFirst()
        .orElseThrow()
        .zeroShot();
  }

  /** The best value of a column among the methods that learn, as it is shown; empty if none. */
  Optional<String> best(Metric metric) {
    return results.methods().stream()
        .filter(method -> !method.isZeroShot() && !Double.isNaN(method.mean(metric)))
        .reduce((a, b) -> metric.isBetter(b.mean(metric), a.mean(metric)) ? b : a)
        .map(method -> metric.text(method.mean(metric)));
  }

  /** 0, 1, ..., T-1. */
  IntStream tasks() {
    return IntStream.range(0, results.tasks().size());
  }

  /** The method whose figures head the page: our default, or else the one with the best Last. */
  MethodResults leading() {
    return results
        .method(results.ours())
        .orElseGet(
            () ->
                results.methods().stream()
                    .reduce((a, b) -> b.mean(Metric.LAST) > a.mean(Metric.LAST) ? b : a)
                    .orElseThrow());
  }
}
