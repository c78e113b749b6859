package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.report.EvalResults.Cost;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import dev.perennial.server.eval.report.EvalResults.RunResults;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/** What each task took to learn, method by method; folded away until it is asked for. */
final class CostTable {
  private CostTable() {}

  static void write(Markup out, View view) {
    List<MethodResults> methods =
        view.results().methods().stream()
            .filter(method -> method.runs().stream().anyMatch(run -> run.costs() != null))
            .toList();
    if (methods.isEmpty()) {
      return;
    }
    out.open("details", "class", "how").element("summary", "Seconds for each task");
    out.open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-label", "Seconds");
    out.open("table", "class", "plain");
    out.open("thead").open("tr").element("th", "Method", "scope", "col");
    view.results().taskNames().forEach(task -> out.element("th", task, "scope", "col"));
    out.close().close().open("tbody");
    for (MethodResults method : methods) {
      out.open("tr").element("th", method.name(), "scope", "row");
      view.tasks().forEach(i -> cell(out, method, i));
      out.close();
    }
    out.close().close().close().close();
  }

  private static void cell(Markup out, MethodResults method, int task) {
    String title =
        "%s parameters, %s images per second"
            .formatted(
                Numbers.decimal(mean(method, task, Cost::parameters), 0),
                Numbers.decimal(mean(method, task, Cost::imagesPerSecond), 0));
    out.element("td", Numbers.tenths(mean(method, task, Cost::seconds)), "title", title);
  }

  private static double mean(MethodResults method, int task, ToDoubleFunction<Cost> part) {
    return Grid.mean(
        method.runs().stream()
            .map(RunResults::costs)
            .filter(Objects::nonNull)
            .mapToDouble(costs -> part.applyAsDouble(costs.get(task)))
            .toArray());
  }
}
