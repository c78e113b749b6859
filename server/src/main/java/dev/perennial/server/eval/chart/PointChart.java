package dev.perennial.server.eval.chart;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Named points in the plane, each name beside its point where it covers no other; a name that finds
 * no place is left to its point's title. Immutable.
 */
public record PointChart(
    String description, Axis x, Axis y, List<Point> points, List<LineChart.Reference> references) {
  private static final int WIDTH = 500;
  private static final int HEIGHT = 310;

  /** Width of a letter and height of a line, in units, generously: fonts differ. */
  private static final double LETTER = 6.6;

  private static final double LINE = 13;
  private static final int LONGEST_NAME = 28;
  private static final double MARKER = 6;

  /** Places of a name around its point, best first: share of its width to the left, lines down. */
  private static final double[][] PLACES = {
    {0, 0}, {1, 0}, {0.5, -1.1}, {0.5, 1.1}, {0, -1}, {0, 1}, {1, -1}, {1, 1}, {0, -2}, {0, 2}
  };

  /** A point; strong ones are written bold. */
  public record Point(String name, int style, boolean strong, double x, double y, String title) {}

  private record Box(double left, double top, double right, double bottom) {
    boolean meets(Box other) {
      return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
    }
  }

  /** Takes copies. */
  public PointChart {
    points = List.copyOf(points);
    references = List.copyOf(references);
  }

  /** Writes the picture. */
  public void draw(Markup out) {
    Frame frame = new Frame(WIDTH, HEIGHT, x, y);
    frame.begin(out, description);
    List<Box> taken = new ArrayList<>();
    for (LineChart.Reference line : references) {
      line.draw(out, frame);
      if (line.y1() == line.y2()) {
        double y = frame.py(line.y1());
        taken.add(new Box(frame.px(line.x1()), y - 1, frame.px(line.x2()), y + 1));
      }
    }
    for (Point point : points) {
      double px = frame.px(point.x());
      double py = frame.py(point.y());
      taken.add(new Box(px - MARKER, py - MARKER, px + MARKER, py + MARKER));
    }
    List<Point> strongFirst = new ArrayList<>(points);
    strongFirst.sort(Comparator.comparing(point -> !point.strong()));
    for (Point point : strongFirst) {
      String strong = point.strong() ? " strong" : "";
      out.open("g", "class", "named " + Palette.series(point.style()) + strong);
      Marker.draw(out, point.style(), frame.px(point.x()), frame.py(point.y()), point.title());
      name(out, frame, point, taken);
      out.close();
    }
    out.close();
  }

  private static void name(Markup out, Frame frame, Point point, List<Box> taken) {
    String text = shortened(point.name());
    Optional<Box> box = place(frame, point, text.length() * LETTER, taken);
    if (box.isPresent()) {
      taken.add(box.get());
      out.element(
          "text",
          text,
          "x",
          Frame.number(box.get().left()),
          "y",
          Frame.number(box.get().bottom() - 3));
    }
  }

  private static String shortened(String name) {
    return name.codePointCount(0, name.length()) <= LONGEST_NAME
        ? name
        : name.substring(0, name.offsetByCodePoints(0, LONGEST_NAME - 1)) + "\u2026";
  }

  /** Where the name covers nothing; empty if that is nowhere near its point. */
  private static Optional<Box> place(Frame frame, Point point, double width, List<Box> taken) {
    double px = frame.px(point.x());
    double py = frame.py(point.y());
    for (double[] place : PLACES) {
      double left = px - place[0] * width + MARKER * (1 - 2 * place[0]);
      double top = py + place[1] * LINE - LINE / 2;
      Box box = new Box(left, top, left + width, top + LINE);
      boolean inside =
          left >= frame.left()
              && box.right() <= frame.right()
              && top >= frame.top()
              && box.bottom() <= frame.bottom();
      if (inside && taken.stream().noneMatch(box::meets)) {
        return Optional.of(box);
      }
    }
    return Optional.empty();
  }
}
