package dev.perennial.server.eval.chart;

import java.util.List;

/**
 * Bars over bins of equal width, from zero up or, where the value is negative, down. Several kinds
 * of bars share the bins and lie over each other. Immutable.
 *
 * @param x the bins' axis: bin k of n spans the k-th n-th of it
 */
public record BarChart(
    String description, Axis x, Axis y, List<Bars> bars, List<LineChart.Reference> references) {
  private static final int WIDTH = 420;
  private static final int HEIGHT = 250;
  private static final double GAP = 1;

  /**
   * One kind of bars.
   *
   * @param style which colour: see {@link Palette#series}
   * @param values for each bin, in the unit of the axis
   * @param titles what the pointer is told at each bin
   */
  public record Bars(int style, List<Double> values, List<String> titles) {
    /** Takes copies. */
    public Bars {
      values = List.copyOf(values);
      titles = List.copyOf(titles);
      if (values.size() != titles.size()) {
        throw new IllegalArgumentException(
            "titles: %d (expected: %d)".formatted(titles.size(), values.size()));
      }
    }
  }

  /** Takes copies. */
  public BarChart {
    bars = List.copyOf(bars);
    references = List.copyOf(references);
  }

  /** Writes the picture. */
  public void draw(Markup out) {
    Frame frame = new Frame(WIDTH, HEIGHT, x, y);
    frame.begin(out, description);
    bars.forEach(kind -> draw(out, frame, kind));
    Frame.line(out, "axis", frame.left(), frame.py(0), frame.right(), frame.py(0));
    references.forEach(line -> line.draw(out, frame));
    out.close();
  }

  private static void draw(Markup out, Frame frame, Bars bars) {
    out.open("g", "class", "bar " + Palette.series(bars.style()));
    double width = (frame.right() - frame.left()) / bars.values().size();
    double zero = frame.py(0);
    for (int k = 0; k < bars.values().size(); k++) {
      double end = frame.py(bars.values().get(k));
      out.open(
              "rect",
              "x",
              Frame.number(frame.left() + k * width + GAP),
              "y",
              Frame.number(Math.min(end, zero)),
              "width",
              Frame.number(width - 2 * GAP),
              "height",
              Frame.number(Math.abs(end - zero)))
          .element("title", bars.titles().get(k))
          .close();
    }
    out.close();
  }
}
