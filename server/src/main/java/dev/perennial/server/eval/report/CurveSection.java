package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.Axis;
import dev.perennial.server.eval.chart.LineChart;
import dev.perennial.server.eval.chart.Marker;
import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.chart.Palette;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;

/** One small chart for each task: its accuracy over the stages under every method. */
final class CurveSection {
  private CurveSection() {}

  static void write(Markup out, View view) {
    List<String> tasks = view.results().taskNames();
    Sections.begin(out, "curves", "Each task over time");
    Sections.explain(
        out,
        "One chart per task. To the right: how many tasks were taught (0 is the frozen model)."
            + " Upwards: accuracy on this task. The dashed vertical line is the moment when this"
            + " task itself was taught. Before it a line should stay level; at it, rise; after it,"
            + " stay level. Bands span the seeds. Untick a method to hide it.");
    legend(out, view);
    Axis y = accuracyAxis(view);
    out.open("div", "class", "cards small");
    for (int i = 0; i < tasks.size(); i++) {
      out.open("div", "class", "card").element("h3", (i + 1) + ". " + tasks.get(i));
      chart(view, i, y).draw(out);
      out.close();
    }
    out.close().close();
  }

  /** The rules by which a box that is not ticked hides its method's lines. */
  static String css(View view) {
    StringBuilder css = new StringBuilder();
    for (MethodResults method : view.results().methods()) {
      String style = Palette.series(view.style(method));
      css.append(
          "#curves:has(#show-%s:not(:checked)) .chart .%s{display:none}%n".formatted(style, style));
    }
    return css.toString();
  }

  private static void legend(Markup out, View view) {
    out.open("fieldset", "class", "legend").element("legend", "Methods");
    for (MethodResults method : view.results().methods()) {
      String id = "show-" + Palette.series(view.style(method));
      out.open("span", "class", "choice");
      out.empty("input", "type", "checkbox", "id", id, "checked", "checked");
      out.open("label", "for", id, "class", method.isOurs() ? "strong" : "");
      Marker.key(out, view.style(method));
      out.text(method.name()).close().close();
    }
    out.close();
  }

  private static LineChart chart(View view, int task, Axis y) {
    List<String> tasks = view.results().taskNames();
    Axis x = Axis.exactly("tasks taught", 0, tasks.size(), Math.min(tasks.size(), 12));
    List<LineChart.Series> series = new ArrayList<>();
    List<LineChart.Series> ours = new ArrayList<>();
    for (MethodResults method : view.results().methods()) {
      LineChart.Series line =
          new LineChart.Series(
              method.name(), view.style(method), method.isOurs(), points(view, method, task));
      (method.isOurs() ? ours : series).add(line);
    }
    series.addAll(ours);
    double moment = task + 1.0;
    return new LineChart(
        "Accuracy on %s after each task, by method; the matrices above hold the numbers"
            .formatted(tasks.get(task)),
        x,
        y,
        series,
        List.of(new LineChart.Reference(moment, y.min(), moment, y.max())));
  }

  private static List<LineChart.Point> points(View view, MethodResults method, int task) {
    List<Grid> matrices = method.matrices();
    List<LineChart.Point> points = new ArrayList<>();
    points.add(point(method.name() + ", frozen", 0, new double[] {method.zeroShot()[task]}));
    view.tasks()
        .forEach(
            j ->
                points.add(
                    point(
                        method.name() + ", after " + view.results().taskNames().get(j),
                        j + 1,
                        Grid.values(matrices, Grid.cell(j, task)))));
    return points;
  }

  private static LineChart.Point point(String title, int stage, double[] values) {
    double mean = Grid.mean(values);
    DoubleStream known = Arrays.stream(values).filter(value -> !Double.isNaN(value));
    double[] sorted = known.sorted().toArray();
    return sorted.length == 0
        ? LineChart.Point.of(stage, mean, title)
        : new LineChart.Point(
            stage,
            mean,
            sorted[0],
            sorted[sorted.length - 1],
            title + ": " + Numbers.tenths(mean) + " %");
  }

  /** One axis for all charts, so that they can be compared. */
  private static Axis accuracyAxis(View view) {
    double[] all =
        view.results().methods().stream()
            .flatMap(method -> method.runs().stream())
            .flatMapToDouble(
                run ->
                    DoubleStream.concat(
                        Arrays.stream(run.zeroShot()),
                        view.tasks()
                            .boxed()
                            .flatMapToDouble(
                                j -> view.tasks().mapToDouble(i -> run.matrix().at(j, i)))))
            .filter(value -> !Double.isNaN(value))
            .toArray();
    double min = Arrays.stream(all).min().orElse(0);
    double max = Arrays.stream(all).max().orElse(100);
    return Axis.around("accuracy, %", min, max, 5);
  }
}
