package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.HeatMap;
import dev.perennial.server.eval.chart.HeatMap.Cell;
import dev.perennial.server.eval.chart.HeatMap.Face;
import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.chart.Palette;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import dev.perennial.server.eval.report.EvalResults.RunResults;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Whether images found their task, and with which weight, for each cell of the matrix. */
final class RoutingSection {
  private RoutingSection() {}

  static void write(Markup out, View view) {
    Sections.begin(out, "routing", "Which task an image is given to");
    Sections.explain(
        out,
        "Above: the share of a task's images that were given to their own task, once it was taught;"
            + " a dash where it was not taught yet, since no choice could be right. Below: the mean"
            + " gate weight; high left of the frame and in it, near 0 right of it, is as it should"
            + " be.");
    boolean any = false;
    out.open("div", "class", "cards maps");
    for (MethodResults method : view.results().methods()) {
      Optional<Grid> routing = mean(method, RunResults::routingAccuracy);
      Optional<Grid> weight = mean(method, RunResults::meanGateWeight);
      if (routing.isPresent() || weight.isPresent()) {
        any = true;
        Sections.beginCard(out, view, method);
        out.open("div", "class", "pair");
        routing.ifPresent(
            grid -> map(view, grid, "routing accuracy in percent", 100, Numbers::tenths).draw(out));
        weight.ifPresent(
            grid ->
                map(view, grid, "mean gate weight w", 1, value -> Numbers.decimal(value, 2))
                    .draw(out));
        out.close().close();
      }
    }
    out.close();
    if (!any) {
      out.element("p", "No method of this run chooses among tasks.", "class", "absent");
    }
    out.close();
  }

  private static HeatMap map(
      View view, Grid grid, String what, double max, DoubleFunction<String> text) {
    List<String> tasks = view.results().taskNames();
    List<HeatMap.Row> rows = new ArrayList<>();
    for (int j = 0; j < grid.size(); j++) {
      List<Cell> cells = new ArrayList<>();
      for (int i = 0; i < grid.size(); i++) {
        Face face =
            Face.of("face", grid.at(j, i), value -> Palette.sequential(value, 0, max), text);
        String title = "after %s, on %s: %s".formatted(tasks.get(j), tasks.get(i), face.text());
        cells.add(new Cell(i == j ? HeatMap.FRAMED : "", title, List.of(face)));
      }
      rows.add(new HeatMap.Row(tasks.get(j), "", cells));
    }
    return new HeatMap(what, "after \u2193 on \u2192", tasks, rows);
  }

  /** The mean over the runs that have the grid. */
  private static Optional<Grid> mean(
      MethodResults method, Function<RunResults, @Nullable Grid> grid) {
    List<Grid> grids = method.runs().stream().map(grid).filter(Objects::nonNull).toList();
    return grids.isEmpty() ? Optional.empty() : Optional.of(Grid.mean(grids));
  }
}
