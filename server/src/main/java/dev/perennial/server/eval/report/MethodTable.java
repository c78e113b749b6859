package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.Marker;
import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import dev.perennial.server.eval.report.EvalResults.Score;

/** All methods by all metrics. */
final class MethodTable {
  private MethodTable() {}

  static void write(Markup out, View view) {
    Sections.begin(out, "methods", "Methods");
    Sections.explain(
        out,
        "Means over seeds, with the standard deviation over seeds after \u00b1. Differences are in"
            + " points. The best value of each column among the methods that learn is marked"
            + " \u25cf; zero-shot is the frozen model, which learns nothing.");
    out.open(
        "div", "class", "scroll", "tabindex", "0", "role", "region", "aria-label", "Method table");
    out.open("table", "class", "methods");
    out.element("caption", "Accuracy in percent, and what it costs");
    head(out, view);
    out.open("tbody");
    view.results().methods().forEach(method -> row(out, view, method));
    out.close().close().close();
    definitions(out);
    CostTable.write(out, view);
    out.close();
  }

  private static void head(Markup out, View view) {
    out.open("thead").open("tr");
    out.element("th", "Method", "scope", "col", "rowspan", "2");
    out.element("th", "Seeds", "scope", "col", "rowspan", "2");
    for (Metric metric : Metric.OF_THE_TABLE) {
      if (metric.compared()) {
        out.element("th", metric.title(), "scope", "colgroup", "colspan", "3", "class", "group");
      } else {
        out.element("th", title(metric), "scope", "col", "rowspan", "2");
      }
    }
    out.close().open("tr");
    for (Metric metric : Metric.OF_THE_TABLE) {
      if (metric.compared()) {
        out.element("th", "%", "scope", "col", "class", "group");
        out.element("th", "vs " + EvalResults.ZERO_SHOT, "scope", "col");
        out.element("th", "vs " + view.results().ours(), "scope", "col");
      }
    }
    out.close().close();
  }

  private static void row(Markup out, View view, MethodResults method) {
    out.open("tr", "class", method.isOurs() ? "ours" : "");
    out.open("th", "scope", "row").open("div");
    Marker.key(out, view.style(method));
    out.element("span", method.name()).close().close();
    out.element("td", Integer.toString(method.runs().size()));
    for (Metric metric : Metric.OF_THE_TABLE) {
      value(out, view, method, metric);
      if (metric.compared()) {
        double mean = method.mean(metric);
        double frozen = method.isZeroShot() ? Double.NaN : view.zeroShot(metric);
        double ours = method.isOurs() ? Double.NaN : view.ours(metric);
        change(out, mean - frozen);
        change(out, mean - ours);
      }
    }
    out.close();
  }

  private static void value(Markup out, View view, MethodResults method, Metric metric) {
    Score score = method.score(metric);
    String text = metric.text(score.mean());
    boolean best = !method.isZeroShot() && view.best(metric).filter(text::equals).isPresent();
    String group = metric.compared() ? "group" : "";
    out.open("td", "class", best ? (group + " best").strip() : group, "data-metric", metric.key());
    if (best) {
      out.element("span", "best: ", "class", "unseen");
    }
    out.element("span", text, "class", "value");
    if (!Double.isNaN(score.std())) {
      out.element("span", " \u00b1\u2009" + metric.text(score.std()), "class", "std");
    }
    out.close();
  }

  private static void change(Markup out, double points) {
    String text = Numbers.change(points);
    String sign = text.startsWith("+") ? "gain" : text.startsWith("\u2212") ? "loss" : "even";
    out.element("td", text, "class", "change " + sign);
  }

  private static String title(Metric metric) {
    return metric.unit().isEmpty() ? metric.title() : metric.title() + ", " + metric.unit();
  }

  private static void definitions(Markup out) {
    out.open("details", "class", "how").element("summary", "What the columns mean");
    out.open("dl");
    define(
        out,
        "Transfer",
        "mean accuracy on a task over the stages before it was taught, averaged over all tasks but"
            + " the first. It falls when learning one task harms what the model knew of others.");
    define(out, "Avg", "mean accuracy over all tasks and all stages.");
    define(out, "Last", "mean accuracy over all tasks after the last one was taught.");
    define(
        out,
        "Backward transfer",
        "accuracy on a task at the end less that right after it was taught, averaged over all tasks"
            + " but the last. Negative values are forgetting.");
    define(
        out,
        "Forgetting",
        "the best accuracy that a task had from when it was taught until the stage before the last,"
            + " less its accuracy at the end; averaged over all tasks but the last.");
    define(out, "Parameters per task", "numbers that are trained for one task.");
    define(
        out,
        "Seconds per task, images per second",
        "time to teach one task, and how many training images that was each second, on the machine"
            + " of this run.");
    out.close().close();
  }

  private static void define(Markup out, String term, String meaning) {
    out.element("dt", term).element("dd", meaning);
  }
}
