package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.Axis;
import dev.perennial.server.eval.chart.BarChart;
import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.report.EvalResults.GateCounts;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import dev.perennial.server.eval.report.EvalResults.RunResults;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** How strongly the methods with a gate open it, in and out of domain. */
final class GateSection {
  private static final int IN_DOMAIN = 0;
  private static final int OUT_OF_DOMAIN = 1;

  private GateSection() {}

  static void write(Markup out, View view) {
    Sections.begin(out, "gate", "When the gate opens");
    Sections.explain(
        out,
        "The gate weight w, from 0 to 1, says how much of a task's learnt branch an image gets."
            + " Bars upwards count images of tasks already taught (in domain): they should lie at"
            + " the right, near 1. Bars downwards count images of tasks not taught yet (out of"
            + " domain): they should lie at the left, near 0, so that the answer stays the frozen"
            + " model's.");
    boolean any = false;
    out.open("div", "class", "cards");
    for (MethodResults method : view.results().methods()) {
      Optional<GateCounts> counts = counts(method);
      if (counts.isPresent()) {
        any = true;
        card(out, view, method, counts.get());
      }
    }
    out.close();
    if (!any) {
      out.element("p", "No method of this run has a gate.", "class", "absent");
    }
    out.close();
  }

  private static void card(Markup out, View view, MethodResults method, GateCounts counts) {
    double[] in = shares(counts.inDomain());
    double[] away = shares(counts.outOfDomain());
    Sections.beginCard(out, view, method);
    out.element(
        "p",
        "w above 0.5: %s %% of the images in domain, %s %% out of domain"
            .formatted(Numbers.tenths(upperHalf(in)), Numbers.tenths(upperHalf(away))),
        "class",
        "figures");
    double up = Arrays.stream(in).max().orElse(0);
    double down = Arrays.stream(away).max().orElse(0);
    new BarChart(
            method.name()
                + ": share of images by gate weight, in domain above and out of domain below",
            Axis.exactly("gate weight w", 0, 1, 5),
            Axis.around("share of images, %", -Math.max(down, 1), Math.max(up, 1), 6)
                .withoutSigns(),
            List.of(
                bars(IN_DOMAIN, in, 1, "in domain"),
                bars(OUT_OF_DOMAIN, away, -1, "out of domain")),
            List.of())
        .draw(out);
    out.open("p", "class", "keys");
    out.element("span", "in domain", "class", "swatch s" + IN_DOMAIN);
    out.element("span", "out of domain", "class", "swatch s" + OUT_OF_DOMAIN).close();
    table(out, counts);
    out.close();
  }

  private static BarChart.Bars bars(int style, double[] shares, int direction, String name) {
    List<String> titles = new ArrayList<>();
    for (int k = 0; k < shares.length; k++) {
      titles.add(
          "w %s: %s %% of the images %s"
              .formatted(bin(k, shares.length), Numbers.tenths(shares[k]), name));
    }
    return new BarChart.Bars(
        style, Arrays.stream(shares).map(share -> direction * share).boxed().toList(), titles);
  }

  private static void table(Markup out, GateCounts counts) {
    int bins = counts.inDomain().length;
    out.open("details").element("summary", "Numbers").open("table", "class", "plain");
    out.open("thead").open("tr");
    for (String name : List.of("gate weight", "in domain, images", "out of domain, images")) {
      out.element("th", name, "scope", "col");
    }
    out.close().close().open("tbody");
    for (int k = 0; k < bins; k++) {
      out.open("tr").element("th", bin(k, bins), "scope", "row");
      out.element("td", Numbers.decimal(counts.inDomain()[k], 0));
      out.element("td", Numbers.decimal(counts.outOfDomain()[k], 0)).close();
    }
    out.close().close().close();
  }

  private static String bin(int k, int bins) {
    return Numbers.decimal((double) k / bins, 2) + "\u2013" + Numbers.decimal((k + 1.0) / bins, 2);
  }

  /** The sum over the runs that have counts of the first such run's number of bins. */
  private static Optional<GateCounts> counts(MethodResults method) {
    return method.runs().stream()
        .map(RunResults::gate)
        .filter(Objects::nonNull)
        .reduce((a, b) -> a.inDomain().length == b.inDomain().length ? sum(a, b) : a);
  }

  private static GateCounts sum(GateCounts a, GateCounts b) {
    return new GateCounts(sum(a.inDomain(), b.inDomain()), sum(a.outOfDomain(), b.outOfDomain()));
  }

  private static double[] sum(double[] a, double[] b) {
    double[] sum = new double[a.length];
    Arrays.setAll(sum, k -> a[k] + b[k]);
    return sum;
  }

  /** Percent of the images in each bin; zeros where there are no images. */
  private static double[] shares(double[] counts) {
    double total = Arrays.stream(counts).sum();
    return Arrays.stream(counts).map(count -> total > 0 ? 100 * count / total : 0).toArray();
  }

  private static double upperHalf(double[] shares) {
    return Arrays.stream(shares).skip((shares.length + 1) / 2).sum();
  }
}
