package dev.perennial.server.eval.chart;

import java.util.List;

/** The shape that marks a series' values, so that series differ without colour. */
public final class Marker {
  /** Paths around (0, 0) of about the same area. */
  private static final List<String> SHAPES =
      List.of(
          "m-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z",
          "m-3-3h6v6h-6z",
          "m0-4.2l3.9 7h-7.8z",
          "m0-4.4l4.2 4.4l-4.2 4.4l-4.2-4.4z",
          "m0 4.2l3.9-7h-7.8z",
          "m-1.3-3.9h2.6v2.6h2.6v2.6h-2.6v2.6h-2.6v-2.6h-2.6v-2.6h2.6z");

  private Marker() {}

  /** Draws the marker of a series, with a text that is shown where the pointer rests. */
  static void draw(Markup out, int series, double x, double y, String title) {
    out.open(
            "g",
            "class",
            "mark",
            "transform",
            "translate(%s %s)".formatted(Frame.number(x), Frame.number(y)))
        .empty("path", "d", shape(series))
        .element("title", title)
        .close();
  }

  private static String shape(int series) {
    return SHAPES.get(Math.floorMod(series, SHAPES.size()));
  }

  /** The marker on a piece of its line, for a legend. */
  public static void key(Markup out, int series) {
    out.open(
        "svg",
        "class",
        "key " + Palette.series(series),
        "viewBox",
        "0 0 28 12",
        "width",
        "28",
        "height",
        "12",
        "aria-hidden",
        "true");
    Frame.line(out, "line", 1, 6, 27, 6);
    out.open("g", "class", "mark", "transform", "translate(14 6)")
        .empty("path", "d", shape(series))
        .close()
        .close();
  }
}
