package dev.perennial.server.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** A result for people, as text: the matrices of the first seed, then a line for each method. */
public final class ResultTable {
  private static final int HEAD_WIDTH = 12;
  private static final int CELL_WIDTH = 10;

  /** Figures that are shown, and their heads. */
  private static final Map<String, String> COLUMNS = new LinkedHashMap<>();

  static {
    COLUMNS.put("transfer", "transfer");
    COLUMNS.put("avg", "avg");
    COLUMNS.put("last", "last");
    COLUMNS.put("backward_transfer", "backward");
    COLUMNS.put("forgetting", "forgetting");
    COLUMNS.put("learnt", "learnt");
    COLUMNS.put("unlearnt", "unlearnt");
    COLUMNS.put("calibration_error", "calib.err");
    COLUMNS.put("area_under_risk", "risk");
  }

  private ResultTable() {}

  /** All of it. */
  public static String write(EvalResult result) {
    StringBuilder text = new StringBuilder();
    result.runs().forEach((row, runs) -> text.append(matrix(result.plan(), row, runs.get(0))));
    int width =
        result.runs().keySet().stream().mapToInt(row -> row.name().length()).max().orElse(0) + 2;
    List<String> head = new ArrayList<>(COLUMNS.values());
    head.addAll(List.of("params", "s/task", "seeds"));
    text.append(line(width, "method", head));
    result.runs().forEach((row, runs) -> text.append(line(width, row.name(), figures(runs))));
    return text.toString();
  }

  private static List<String> figures(List<MethodRun> runs) {
    List<String> cells = new ArrayList<>();
    Map<String, EvalResult.Figure> figures = EvalResult.figures(runs);
    for (String name : COLUMNS.keySet()) {
      cells.add(percent(Objects.requireNonNull(figures.get(name)).mean()));
    }
    double parameters = EvalResult.meanOfTasks(runs, MethodRun.TaskCost::parameters);
    double seconds = EvalResult.meanOfTasks(runs, MethodRun.TaskCost::seconds);
    cells.add(String.format(Locale.ROOT, "%.0f", parameters));
    cells.add(String.format(Locale.ROOT, "%.1f", seconds));
    cells.add(Integer.toString(runs.size()));
    return cells;
  }

  private static String matrix(EvalPlan plan, EvalRow row, MethodRun run) {
    StringBuilder text = new StringBuilder();
    text.append(row.name()).append(", seed ").append(run.seed()).append(", accuracy in percent\n");
    text.append(line(HEAD_WIDTH, "after", plan.order()));
    text.append(line(HEAD_WIDTH, "(nothing)", percents(run.zeroShot())));
    double[][] rows = run.matrix().rows();
    for (int j = 0; j < rows.length; j++) {
      text.append(line(HEAD_WIDTH, plan.order().get(j), percents(rows[j])));
    }
    return text.append('\n').toString();
  }

  private static List<String> percents(double[] values) {
    List<String> cells = new ArrayList<>();
    for (double value : values) {
      cells.add(percent(value));
    }
    return cells;
  }

  private static String percent(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.1f", value) : "-";
  }

  private static String line(int headWidth, String head, List<String> cells) {
    StringBuilder text = new StringBuilder(pad(head, headWidth));
    for (String cell : cells) {
      String cut = cell.length() < CELL_WIDTH ? cell : cell.substring(0, CELL_WIDTH - 1);
      text.append(" ".repeat(CELL_WIDTH - cut.length())).append(cut);
    }
    return text.append('\n').toString();
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(Math.max(0, width - text.length()));
  }
}
