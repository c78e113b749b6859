package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.Axis;
import dev.perennial.server.eval.chart.Marker;
import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.chart.PointChart;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/** What all sections of the page are made of. */
final class Sections {
  private Sections() {}

  /** Begins a section with its heading; the caller closes it. */
  static void begin(Markup out, String id, String heading) {
    out.open("section", "id", id, "aria-labelledby", id + "-heading");
    out.element("h2", heading, "id", id + "-heading");
  }

  /** A paragraph that tells a newcomer what the figure shows. */
  static void explain(Markup out, String text) {
    out.element("p", text, "class", "explain");
  }

  /** Begins one method's card with its name; the caller closes it. */
  static void beginCard(Markup out, View view, MethodResults method) {
    out.open("div", "class", method.isOurs() ? "card ours" : "card");
    out.open("h3");
    Marker.key(out, view.style(method));
    out.text(method.name()).close();
  }

  /** An axis of percentages around these values. */
  static Axis axis(String label, DoubleStream values) {
    double[] all = values.toArray();
    double min = DoubleStream.of(all).min().orElseThrow();
    double max = DoubleStream.of(all).max().orElseThrow();
    double margin = Math.max(1, (max - min) * 0.06);
    double from = Math.max(0, min - margin);
    double to = Math.min(100, max + margin);
    return Axis.around(label, from, to, 6);
  }

  /** The methods in the plane of two metrics; those that lack one are left out. */
  static List<PointChart.Point> plane(View view, Metric across, Metric up, String title) {
    List<PointChart.Point> points = new ArrayList<>();
    for (MethodResults method : view.results().methods()) {
      double x = method.mean(across);
      double y = method.mean(up);
      if (!Double.isNaN(x + y)) {
        points.add(
            new PointChart.Point(
                method.name(),
                view.style(method),
                method.isOurs(),
                x,
                y,
                title.formatted(method.name(), Numbers.tenths(x), Numbers.tenths(y))));
      }
    }
    return points;
  }
}
