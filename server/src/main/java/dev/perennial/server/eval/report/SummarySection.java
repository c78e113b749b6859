package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.Axis;
import dev.perennial.server.eval.chart.LineChart.Reference;
import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.chart.PointChart;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import dev.perennial.server.eval.report.EvalResults.TaskFacts;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/** What was run, and what came out in one glance. */
final class SummarySection {
  /** The usual pictures to score on, not worth a word. */
  private static final String TEST = "test";

  private SummarySection() {}

  /** The page's title, the facts of the run, and the way to the sections. */
  static void header(Markup out, View view) {
    EvalResults results = view.results();
    out.open("header");
    out.element("p", "Perennial", "class", "brand");
    out.element("h1", "Learning " + Numbers.count(results.tasks().size(), "task") + " in a row");
    out.open("dl", "class", "facts");
    fact(out, "Suite", results.suite());
    fact(out, "Classes", total(results.tasks().stream().mapToDouble(TaskFacts::classes)));
    fact(out, "Test images", total(results.tasks().stream().mapToDouble(TaskFacts::testImages)));
    fact(out, "Shots per class", results.shots() == 0 ? "all" : Integer.toString(results.shots()));
    fact(
        out,
        "Label space",
        switch (results.labels()) {
          case "union" -> "union of all tasks";
          case "known" -> "all tasks taught so far";
          default -> "the task's own classes";
        });
    String scored = results.config().getOrDefault("score_on", TEST);
    if (!scored.equals(TEST)) {
      fact(out, "Scored on", scored);
    }
    fact(out, "Methods", Integer.toString(results.methods().size()));
    fact(out, "Seeds", seeds(results));
    out.close();
    out.open("nav", "aria-label", "Sections").open("ul");
    link(out, "methods", "Methods");
    link(out, "matrices", "Matrices");
    link(out, "curves", "Curves");
    link(out, "gate", "Gate");
    link(out, "routing", "Routing");
    link(out, "trust", "Trust");
    link(out, "origin", "How it was made");
    out.close().close().close();
  }

  /** The leading method's three figures and all methods in the plane. */
  static void write(Markup out, View view) {
    MethodResults leading = view.leading();
    Sections.begin(out, "summary", "In one glance");
    out.open("div", "class", "glance").open("div");
    if (!Double.isNaN(leading.mean(Metric.LAST))) {
      out.element("p", sentence(view, leading), "class", "finding");
    }
    out.open("ul", "class", "tiles");
    tile(out, view, leading, Metric.TRANSFER, "on tasks it had not been taught yet");
    tile(out, view, leading, Metric.AVG, "over all tasks and all stages");
    tile(out, view, leading, Metric.LAST, "on all tasks, after the last was taught");
    out.close();
    Sections.explain(
        out,
        "A method learns the tasks one after the other. After each it is tested on all of them: on"
            + " those already taught, and on those still to come, which it can only answer from"
            + " what it knew before (zero-shot). Good methods gain on the first and lose nothing"
            + " on the second.");
    out.close();
    plane(out, view);
    out.close().close();
  }

  private static String sentence(View view, MethodResults method) {
    double last = method.mean(Metric.LAST);
    double gain = last - view.zeroShot(Metric.LAST);
    double kept = method.mean(Metric.TRANSFER) - view.zeroShot(Metric.TRANSFER);
    StringBuilder text = new StringBuilder(method.name());
    text.append(" answers ").append(Numbers.tenths(last));
    text.append(" % of the test images right after the last task");
    if (!Double.isNaN(gain)) {
      text.append(", ").append(difference(gain)).append(" the frozen model");
    }
    if (!Double.isNaN(kept)) {
      text.append("; on tasks not taught yet it is ").append(difference(kept)).append(" it");
    }
    return text.append('.').toString();
  }

  private static String difference(double points) {
    String size = Numbers.tenths(Math.abs(points));
    return size.equals("0.0") ? "level with" : size + " points " + (points > 0 ? "above" : "below");
  }

  private static void tile(
      Markup out, View view, MethodResults method, Metric metric, String meaning) {
    if (Double.isNaN(method.mean(metric))) {
      return;
    }
    double change = method.mean(metric) - view.zeroShot(metric);
    out.open("li");
    out.element("span", metric.title(), "class", "tile-name");
    out.element("strong", metric.text(method.mean(metric)) + "\u2009%");
    if (!method.isZeroShot() && !Double.isNaN(change)) {
      out.element("span", Numbers.change(change) + " against zero-shot", "class", "tile-change");
    }
    out.element("span", meaning, "class", "tile-meaning").close();
  }

  /** Transfer against Last: only what is kept and gained at once lies top right. */
  private static void plane(Markup out, View view) {
    List<PointChart.Point> points =
        Sections.plane(view, Metric.LAST, Metric.TRANSFER, "%s: Last %s %%, Transfer %s %%");
    if (points.size() < 2) {
      return;
    }
    Axis x =
        Sections.axis(
            "Last: accuracy on all tasks at the end, %",
            points.stream().mapToDouble(PointChart.Point::x));
    Axis y =
        Sections.axis(
            "Transfer: accuracy before taught, %",
            points.stream().mapToDouble(PointChart.Point::y));
    List<Reference> references = new ArrayList<>();
    double frozen = view.zeroShot(Metric.TRANSFER);
    if (frozen >= y.min() && frozen <= y.max()) {
      references.add(new Reference(x.min(), frozen, x.max(), frozen));
    }
    out.open("figure");
    new PointChart(
            "Methods by what they learnt (Last) and kept (Transfer)", x, y, points, references)
        .draw(out);
    out.element(
            "figcaption",
            "What was learnt (to the right) and what was kept (upwards). The dashed line is the"
                + " frozen model's Transfer: below it, knowledge was lost. Markers are those of the"
                + " table below; names that would cover others are left out.")
        .close();
  }

  private static String seeds(EvalResults results) {
    List<String> seeds =
        results.methods().stream()
            .flatMap(method -> method.runs().stream())
            .map(run -> Long.toString(run.seed()))
            .distinct()
            .toList();
    return String.join(", ", seeds);
  }

  private static String total(DoubleStream values) {
    return Numbers.decimal(values.sum(), 0);
  }

  private static void fact(Markup out, String name, String value) {
    out.open("div").element("dt", name).element("dd", value).close();
  }

  private static void link(Markup out, String id, String text) {
    out.open("li").element("a", text, "href", "#" + id).close();
  }
}
