package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.HeatMap;
import dev.perennial.server.eval.chart.HeatMap.Cell;
import dev.perennial.server.eval.chart.HeatMap.Face;
import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.chart.Palette;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Each method's T x T matrix as a heat map with two faces: accuracy, and change from zero-shot. */
final class MatrixSection {
  private static final double ROUND_CHANGE = 10;

  private MatrixSection() {}

  static void write(Markup out, View view) {
    double largest = largestChange(view);
    Sections.begin(out, "matrices", "Every task after every task");
    Sections.explain(
        out,
        "Read a row from left to right: the accuracy on every task after the row's task was"
            + " taught. Read a column from top to bottom: the life of one task. Framed cells: the"
            + " task was just taught. Right of the frame: tasks still to come, where a colour"
            + " unlike the first row's means that earlier knowledge changed. Left of it: tasks"
            + " taught before, where fading downwards means forgetting.");
    toggle(out, "matrix-accuracy", "accuracy", true);
    toggle(out, "matrix-change", "change against zero-shot", false);
    scales(out, largest);
    out.open("div", "class", "cards maps");
    for (MethodResults method : view.results().methods()) {
      Sections.beginCard(out, view, method);
      out.element("p", figures(method), "class", "figures");
      map(view, method, largest).draw(out);
      out.close();
    }
    out.close().close();
  }

  /** Cards wide enough for the matrix, where the page is. */
  static String css(View view) {
    int columns = view.results().tasks().size() + 1;
    return ":root{--map:%.2frem}%n".formatted(9.5 + 2.45 * columns);
  }

  private static void toggle(Markup out, String id, String text, boolean chosen) {
    if (chosen) {
      out.empty("input", "type", "radio", "name", "matrix-face", "id", id, "checked", "checked");
    } else {
      out.empty("input", "type", "radio", "name", "matrix-face", "id", id);
    }
    out.element("label", text, "for", id);
  }

  private static void scales(Markup out, double largest) {
    String change = Numbers.decimal(largest, 0);
    out.open("p", "class", "scale accuracy").text("0 % ");
    Palette.sequence(out);
    out.text(" 100 %").close();
    out.open("p", "class", "scale change").text("\u2212" + change + " points ");
    Palette.divergence(out);
    out.text(" +" + change + " points").close();
  }

  private static String figures(MethodResults method) {
    return "Transfer %s \u00b7 Avg %s \u00b7 Last %s"
        .formatted(
            Metric.TRANSFER.text(method.mean(Metric.TRANSFER)),
            Metric.AVG.text(method.mean(Metric.AVG)),
            Metric.LAST.text(method.mean(Metric.LAST)));
  }

  private static HeatMap map(View view, MethodResults method, double largest) {
    List<String> tasks = view.results().taskNames();
    List<Grid> matrices = method.matrices();
    Grid mean = Grid.mean(matrices);
    double[] frozen = method.zeroShot();
    double frozenMean = Grid.mean(frozen);
    List<HeatMap.Row> rows = new ArrayList<>();
    List<Cell> before = new ArrayList<>();
    for (int i = 0; i < frozen.length; i++) {
      String title = "zero-shot on %s: %s %%".formatted(tasks.get(i), Numbers.tenths(frozen[i]));
      before.add(cell("", title, frozen[i], frozen[i], largest));
    }
    before.add(cell("mean", "zero-shot, all tasks", frozenMean, frozenMean, largest));
    rows.add(new HeatMap.Row("nothing yet", "before", before));
    for (int j = 0; j < tasks.size(); j++) {
      List<Cell> cells = new ArrayList<>();
      for (int i = 0; i < tasks.size(); i++) {
        String title =
            "after %s, on %s: %s %% (%s)"
                .formatted(
                    tasks.get(j),
                    tasks.get(i),
                    Numbers.tenths(mean.at(j, i)),
                    seeds(Grid.values(matrices, Grid.cell(j, i))));
        cells.add(cell(i == j ? HeatMap.FRAMED : "", title, mean.at(j, i), frozen[i], largest));
      }
      String title = "after %s, all tasks".formatted(tasks.get(j));
      cells.add(cell("mean", title, mean.rowMean(j), frozenMean, largest));
      rows.add(new HeatMap.Row(tasks.get(j), "", cells));
    }
    List<String> columns = new ArrayList<>(tasks);
    columns.add("mean");
    String caption = method.name() + ": accuracy in percent, row = after this task";
    return new HeatMap(caption, "after \u2193 on \u2192", columns, rows);
  }

  private static Cell cell(
      String style, String title, double value, double frozen, double largest) {
    return new Cell(
        style,
        title,
        List.of(
            Face.of("accuracy", value, v -> Palette.sequential(v, 0, 100), Numbers::tenths),
            Face.of(
                "change", value - frozen, v -> Palette.diverging(v, largest), Numbers::change)));
  }

  private static String seeds(double[] values) {
    return Numbers.count(values.length, "seed")
        + ": "
        + Arrays.stream(values).mapToObj(Numbers::tenths).collect(Collectors.joining(", "));
  }

  /** The largest change of any cell, up to the next ten: the end of the common scale. */
  private static double largestChange(View view) {
    double largest = 0;
    for (MethodResults method : view.results().methods()) {
      Grid mean = Grid.mean(method.matrices());
      double[] frozen = method.zeroShot();
      for (int j = 0; j < frozen.length; j++) {
        for (int i = 0; i < frozen.length; i++) {
          double change = Math.abs(mean.at(j, i) - frozen[i]);
          largest = Double.isNaN(change) ? largest : Math.max(largest, change);
        }
      }
    }
    return Math.max(1, Math.ceil(largest / ROUND_CHANGE)) * ROUND_CHANGE;
  }
}
