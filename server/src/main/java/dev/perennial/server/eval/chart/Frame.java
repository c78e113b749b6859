package dev.perennial.server.eval.chart;

import java.util.Locale;

/**
 * The drawing area of a chart with its two axes, in SVG units: about one pixel each where the chart
 * has its natural width. Immutable.
 */
record Frame(int width, int height, Axis x, Axis y) {
  private static final int LEFT = 46;
  private static final int RIGHT = 12;
  private static final int TOP = 10;
  private static final int BOTTOM = 40;

  /** Begins the picture and draws what lies under the values: grid, ticks, names of the axes. */
  Markup begin(Markup out, String description) {
    out.open(
        "svg",
        "class",
        "chart",
        "viewBox",
        "0 0 %d %d".formatted(width, height),
        "role",
        "img",
        "aria-label",
        description);
    for (Axis.Tick tick : x.ticks()) {
      line(out, "grid", px(tick.at()), top(), px(tick.at()), bottom());
      label(out, tick.text(), px(tick.at()), bottom() + 15, "middle");
    }
    for (Axis.Tick tick : y.ticks()) {
      line(out, "grid", left(), py(tick.at()), right(), py(tick.at()));
      label(out, tick.text(), left() - 6, py(tick.at()) + 4, "end");
    }
    line(out, "axis", left(), bottom(), right(), bottom());
    label(out, x.label(), (left() + right()) / 2, height - 6, "middle");
    double middle = (top() + bottom()) / 2;
    out.element(
        "text",
        y.label(),
        "class",
        "tick",
        "text-anchor",
        "middle",
        "transform",
        "translate(12 %s) rotate(-90)".formatted(number(middle)));
    return out;
  }

  double left() {
    return LEFT;
  }

  double right() {
    return width - RIGHT;
  }

  double top() {
    return TOP;
  }

  double bottom() {
    return height - BOTTOM;
  }

  double px(double value) {
    return left() + x.place(value) * (right() - left());
  }

  double py(double value) {
    return bottom() - y.place(value) * (bottom() - top());
  }

  static void line(Markup out, String style, double x1, double y1, double x2, double y2) {
    out.empty(
        "line",
        "class",
        style,
        "x1",
        number(x1),
        "y1",
        number(y1),
        "x2",
        number(x2),
        "y2",
        number(y2));
  }

  private static void label(Markup out, String text, double x, double y, String anchor) {
    out.element(
        "text", text, "class", "tick", "x", number(x), "y", number(y), "text-anchor", anchor);
  }

  /** A coordinate: tenths of a unit are enough. */
  static String number(double value) {
    String text = String.format(Locale.ROOT, "%.1f", value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }
}
