package dev.perennial.server.world;

import java.util.ArrayList;
import java.util.List;

/**
 * A line through points, in the box from (-1, -1) at the top left to (1, 1) at the bottom right.
 * Immutable.
 */
record Path(List<Point> points) {
  /** A place in the box. */
  record Point(double x, double y) {}

  Path {
    points = List.copyOf(points);
  }

  /** Through the points x1, y1, x2, y2, ... */
  static Path of(double... coordinates) {
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < coordinates.length; i += 2) {
      points.add(new Point(coordinates[i], coordinates[i + 1]));
    }
    return new Path(points);
  }

  /** Part of a circle; degrees run clockwise from the right. */
  static Path arc(double x, double y, double radius, double from, double to, int steps) {
    return arc(x, y, radius, radius, from, to, steps);
  }

  /** Part of an ellipse. */
  static Path arc(
      double x, double y, double radiusX, double radiusY, double from, double to, int steps) {
    List<Point> points = new ArrayList<>();
    for (int i = 0; i <= steps; i++) {
      double angle = StrictMath.toRadians(from + (to - from) * i / steps);
      points.add(
          new Point(x + radiusX * StrictMath.cos(angle), y + radiusY * StrictMath.sin(angle)));
    }
    return new Path(points);
  }

  /** A regular polygon, or an ellipse of many corners; its first corner is at the top. */
  static Path polygon(int corners, double radiusX, double radiusY) {
    Path closed = arc(0, 0, radiusX, radiusY, -90, 270, corners);
    return new Path(closed.points.subList(0, corners));
  }

  /** A star of five points. */
  static Path star(double innerRadius) {
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      double radius = i % 2 == 0 ? 1 : innerRadius;
      double angle = StrictMath.toRadians(-90 + 36 * i);
      points.add(new Point(radius * StrictMath.cos(angle), radius * StrictMath.sin(angle)));
    }
    return new Path(points);
  }

  /** The well-known heart curve of four cosines. */
  static Path heart(int steps) {
    List<Point> points = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      double t = 2 * Math.PI * i / steps;
      double sine = StrictMath.sin(t);
      double height =
          13 * StrictMath.cos(t)
              - 5 * StrictMath.cos(2 * t)
              - 2 * StrictMath.cos(3 * t)
              - StrictMath.cos(4 * t);
      points.add(new Point(sine * sine * sine, -height / 15));
    }
    return new Path(points);
  }

  /** This path, then on to the other one's points. */
  Path then(Path next) {
    List<Point> all = new ArrayList<>(points);
    all.addAll(next.points);
    return new Path(all);
  }

  /** This path, then on through these points. */
  Path to(double... coordinates) {
    return then(of(coordinates));
  }

  /** This path, and back to its first point. */
  Path closed() {
    return then(new Path(points.subList(0, 1)));
  }
}
