package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.Axis;
import dev.perennial.server.eval.chart.LineChart;
import dev.perennial.server.eval.chart.Marker;
import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.chart.PointChart;
import dev.perennial.server.eval.report.EvalResults.Bins;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import dev.perennial.server.eval.report.EvalResults.Reliability;
import dev.perennial.server.eval.report.EvalResults.RunResults;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** How far answers can be trusted: the risk over the coverage, and reliability diagrams. */
final class TrustSection {
  private static final int LEARNT = 0;
  private static final int UNLEARNT = 1;

  private TrustSection() {}

  static void write(Markup out, View view) {
    Sections.begin(out, "trust", "How far an answer can be trusted");
    List<MethodResults> noted =
        view.results().methods().stream()
            .filter(method -> !reliabilities(method).isEmpty())
            .toList();
    if (noted.isEmpty()) {
      out.element("p", "This run noted no confidences.", "class", "absent").close();
      return;
    }
    Sections.explain(
        out,
        "Over all stages, with images of tasks taught and not taught yet. First: the share of wrong"
            + " answers among the most confident ones, from a twentieth of all images up to every"
            + " one; lower is better. Then, by method: how often answers of a confidence are right;"
            + " on the diagonal a confidence of 80 % is right in 80 of 100.");
    table(out, view, noted);
    out.open("div", "class", "cards");
    out.open("div", "class", "card").element("h3", "Risk over coverage");
    risk(view, noted).draw(out);
    out.close();
    tradeOff(out, view);
    noted.forEach(method -> card(out, view, method));
    out.close().close();
  }

  private static void table(Markup out, View view, List<MethodResults> methods) {
    out.open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-label", "Trust");
    out.open("table", "class", "methods").open("thead").open("tr");
    out.element("th", "Method", "scope", "col");
    for (Metric metric : Metric.OF_TRUST) {
      out.element("th", metric.title() + ", " + metric.unit(), "scope", "col");
    }
    out.close().close().open("tbody");
    for (MethodResults method : methods) {
      out.open("tr", "class", method.isOurs() ? "ours" : "");
      out.open("th", "scope", "row").open("div");
      Marker.key(out, view.style(method));
      out.element("span", method.name()).close().close();
      for (Metric metric : Metric.OF_TRUST) {
        out.element("td", metric.text(method.mean(metric)), "data-metric", metric.key());
      }
      out.close();
    }
    out.close().close().close();
  }

  private static LineChart risk(View view, List<MethodResults> methods) {
    List<LineChart.Series> series = new ArrayList<>();
    double highest = 1;
    for (MethodResults method : methods) {
      List<LineChart.Point> points = new ArrayList<>();
      List<double[]> curves = reliabilities(method).stream().map(Reliability::risk).toList();
      int steps = curves.get(0).length;
      for (int k = 0; k < steps; k++) {
        int step = k;
        double[] values = curves.stream().mapToDouble(curve -> curve[step]).toArray();
        double coverage = 100.0 * (k + 1) / steps;
        double mean = Grid.mean(values);
        highest = Math.max(highest, Arrays.stream(values).max().orElse(0));
        points.add(
            new LineChart.Point(
                coverage,
                mean,
                Arrays.stream(values).min().orElse(mean),
                Arrays.stream(values).max().orElse(mean),
                "%s: of the most confident %s %% are %s %% wrong"
                    .formatted(method.name(), Numbers.decimal(coverage, 0), Numbers.tenths(mean))));
      }
      series.add(new LineChart.Series(method.name(), view.style(method), method.isOurs(), points));
    }
    return new LineChart(
        "Share of wrong answers among the most confident, by method",
        Axis.exactly("coverage, %", 0, 100, 5),
        Axis.around("wrong, %", 0, highest, 5),
        series,
        List.of());
  }

  /** What is gained on tasks taught against what is kept of the others, where these were asked. */
  private static void tradeOff(Markup out, View view) {
    if (view.results().labels().equals("known")) {
      return;
    }
    List<PointChart.Point> points =
        Sections.plane(
            view, Metric.LEARNT, Metric.UNLEARNT, "%s: taught %s %%, not taught yet %s %%");
    if (points.size() < 2) {
      return;
    }
    out.open("div", "class", "card").element("h3", "Taught, and not taught yet");
    new PointChart(
            "Methods by accuracy on tasks taught and on tasks not taught yet",
            Sections.axis("taught: accuracy, %", points.stream().mapToDouble(PointChart.Point::x)),
            Sections.axis(
                "not taught yet: accuracy, %", points.stream().mapToDouble(PointChart.Point::y)),
            points,
            List.of())
        .draw(out);
    out.close();
  }

  private static void card(Markup out, View view, MethodResults method) {
    Sections.beginCard(out, view, method);
    List<Reliability> all = reliabilities(method);
    new LineChart(
            method.name() + ": share of right answers by confidence",
            Axis.exactly("confidence, %", 0, 100, 5),
            Axis.exactly("right, %", 0, 100, 5),
            List.of(
                line("tasks taught", LEARNT, all.stream().map(Reliability::learnt).toList()),
                line(
                    "tasks not taught yet",
                    UNLEARNT,
                    all.stream().map(Reliability::unlearnt).toList())),
            List.of(new LineChart.Reference(0, 0, 100, 100)))
        .draw(out);
    out.open("p", "class", "keys");
    out.element("span", "tasks taught", "class", "swatch s" + LEARNT);
    out.element("span", "tasks not taught yet", "class", "swatch s" + UNLEARNT).close();
    out.close();
  }

  /** Over all runs; a gap where no answer has the confidence. */
  private static LineChart.Series line(String name, int style, List<Bins> runs) {
    int bins = runs.get(0).answers().length;
    List<LineChart.Point> points = new ArrayList<>();
    for (int b = 0; b < bins; b++) {
      int bin = b;
      double answers = runs.stream().mapToDouble(run -> run.answers()[bin]).sum();
      double confidence = runs.stream().mapToDouble(run -> run.confidence()[bin]).sum();
      double right = runs.stream().mapToDouble(run -> run.right()[bin]).sum();
      double x = answers > 0 ? 100 * confidence / answers : 100 * (b + 0.5) / bins;
      double y = answers > 0 ? 100 * right / answers : Double.NaN;
      points.add(
          LineChart.Point.of(
              x,
              y,
              "%s: of %s answers at %s %% are %s %% right"
                  .formatted(
                      name, Numbers.decimal(answers, 0), Numbers.tenths(x), Numbers.tenths(y))));
    }
    return new LineChart.Series(name, style, false, points);
  }

  private static List<Reliability> reliabilities(MethodResults method) {
    return method.runs().stream().map(RunResults::reliability).filter(Objects::nonNull).toList();
  }
}
