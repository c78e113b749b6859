package dev.perennial.server.eval;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * What was measured.
 *
 * @param tasks in the order in which they were learnt
 * @param runs per row of the plan, in its order: its runs, in the order of the seeds
 */
public record EvalResult(EvalPlan plan, List<TaskFacts> tasks, Map<EvalRow, List<MethodRun>> runs) {
  public EvalResult {
    tasks = List.copyOf(tasks);
    runs = new LinkedHashMap<>(runs);
  }

  private static final Map<String, ToDoubleFunction<MethodRun>> METRICS = new LinkedHashMap<>();

  static {
    METRICS.put("transfer", run -> run.matrix().transfer());
    METRICS.put("avg", run -> run.matrix().average());
    METRICS.put("last", run -> run.matrix().last());
    METRICS.put("backward_transfer", run -> run.matrix().backwardTransfer());
    METRICS.put("forgetting", run -> run.matrix().forgetting());
    METRICS.put("learnt", run -> run.matrix().learnt());
    METRICS.put("unlearnt", run -> run.matrix().unlearnt());
    METRICS.put("calibration_error", run -> run.reliability().expectedCalibrationError());
    METRICS.put(
        "calibration_error_learnt", run -> run.reliability().learnt().expectedCalibrationError());
    METRICS.put(
        "calibration_error_unlearnt",
        run -> run.reliability().unlearnt().expectedCalibrationError());
    METRICS.put("area_under_risk", run -> run.reliability().areaUnderRisk());
  }

  /** A task of the suite, for reports. */
  public record TaskFacts(String name, int classes, int testImages) {}

  /** A figure over the seeds, in percent; NaN where it is undefined. */
  public record Figure(double mean, double std) {
    static Figure of(List<MethodRun> runs, ToDoubleFunction<MethodRun> metric) {
      return of(runs.stream().mapToDouble(metric).toArray());
    }

    /** Standard deviation with divisor n - 1; NaN for one value. */
    static Figure of(double[] values) {
      double sum = 0;
      for (double value : values) {
        sum += value;
      }
      double mean = sum / values.length;
      double squares = 0;
      for (double value : values) {
        squares += (value - mean) * (value - mean);
      }
      return new Figure(
          mean, values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : Double.NaN);
    }
  }

  /** The table's figures of one row, by their names in a report. */
  static Map<String, Figure> figures(List<MethodRun> runs) {
    Map<String, Figure> figures = new LinkedHashMap<>();
    METRICS.forEach((name, metric) -> figures.put(name, Figure.of(runs, metric)));
    return figures;
  }

  /** Mean over all tasks of all runs. */
  static double meanOfTasks(List<MethodRun> runs, ToDoubleFunction<MethodRun.TaskCost> value) {
    return runs.stream()
        .flatMap(run -> run.tasks().stream())
        .collect(Collectors.averagingDouble(value));
  }
}
