package dev.perennial.server.eval.chart;

import java.util.ArrayList;
import java.util.List;

/**
 * Lines over a common axis, each with a band of uncertainty where it has one. Missing values (NaN)
 * leave gaps. Immutable.
 */
public record LineChart(
    String description, Axis x, Axis y, List<Series> series, List<Reference> references) {
  private static final int WIDTH = 340;
  private static final int HEIGHT = 230;

  /**
   * One line.
   *
   * @param style which colour and marker: see {@link Palette#series}
   * @param strong drawn thicker than the others
   */
  public record Series(String name, int style, boolean strong, List<Point> points) {
    /** Takes a copy. */
    public Series {
      points = List.copyOf(points);
    }
  }

  /**
   * A value with the range around it.
   *
   * @param y NaN where there is no value
   * @param low equal to y where there is no range
   */
  public record Point(double x, double y, double low, double high, String title) {
    /** A value alone. */
    public static Point of(double x, double y, String title) {
      return new Point(x, y, y, y, title);
    }
  }

  /** A dashed line from (x1, y1) to (x2, y2): a moment, a level, a diagonal. */
  public record Reference(double x1, double y1, double x2, double y2) {
    void draw(Markup out, Frame frame) {
      Frame.line(out, "reference", frame.px(x1), frame.py(y1), frame.px(x2), frame.py(y2));
    }
  }

  /** Takes copies. */
  public LineChart {
    series = List.copyOf(series);
    references = List.copyOf(references);
  }

  /** Writes the picture. */
  public void draw(Markup out) {
    Frame frame = new Frame(WIDTH, HEIGHT, x, y);
    frame.begin(out, description);
    references.forEach(line -> line.draw(out, frame));
    for (Series line : series) {
      out.open("g", "class", Palette.series(line.style()) + (line.strong() ? " strong" : ""));
      for (List<Point> piece : pieces(line.points())) {
        drawPiece(out, frame, line, piece);
      }
      out.close();
    }
    out.close();
  }

  private static void drawPiece(Markup out, Frame frame, Series line, List<Point> piece) {
    if (piece.stream().anyMatch(point -> point.high() > point.low())) {
      StringBuilder band = new StringBuilder();
      for (Point point : piece) {
        append(band, frame, point.x(), point.high());
      }
      for (int i = piece.size() - 1; i >= 0; i--) {
        append(band, frame, piece.get(i).x(), piece.get(i).low());
      }
      out.empty("path", "class", "band", "d", "M" + band.substring(1) + "z");
    }
    StringBuilder path = new StringBuilder();
    piece.forEach(point -> append(path, frame, point.x(), point.y()));
    out.empty("polyline", "class", "line", "points", path.substring(1));
    for (Point point : piece) {
      Marker.draw(out, line.style(), frame.px(point.x()), frame.py(point.y()), point.title());
    }
  }

  private static void append(StringBuilder path, Frame frame, double x, double y) {
    path.append(' ')
        .append(Frame.number(frame.px(x)))
        .append(',')
        .append(Frame.number(frame.py(y)));
  }

  /** The runs of points that have values. */
  private static List<List<Point>> pieces(List<Point> points) {
    List<List<Point>> pieces = new ArrayList<>();
    boolean within = false;
    for (Point point : points) {
      if (Double.isNaN(point.y())) {
        within = false;
        continue;
      }
      if (!within) {
        pieces.add(new ArrayList<>());
        within = true;
      }
      pieces.get(pieces.size() - 1).add(point);
    }
    return pieces;
  }
}
