package dev.perennial.server.world;

import java.util.List;

/**
 * The straight pieces of a glyph, laid out for the renderer's inner loop. Immutable; the arrays are
 * shared and never written.
 *
 * @param startX first end
 * @param startY first end
 * @param deltaX second end minus first
 * @param deltaY second end minus first
 * @param inverseSquaredLength 1 / |delta|^2, 0 for a point
 * @param slope deltaX / deltaY, 0 for a level piece
 * @param radius distance of the farthest end from the middle
 */
@SuppressWarnings("ArrayRecordComponent") // constants of the world, never compared
record Segments(
    float[] startX,
    float[] startY,
    float[] deltaX,
    float[] deltaY,
    float[] inverseSquaredLength,
    float[] slope,
    float radius) {

  static Segments of(List<Path> paths) {
    int count = paths.stream().mapToInt(path -> path.points().size() - 1).sum();
    Segments segments =
        new Segments(
            new float[count],
            new float[count],
            new float[count],
            new float[count],
            new float[count],
            new float[count],
            radius(paths));
    int place = 0;
    for (Path path : paths) {
      for (int i = 1; i < path.points().size(); i++) {
        segments.set(place++, path.points().get(i - 1), path.points().get(i));
      }
    }
    return segments;
  }

  private void set(int place, Path.Point from, Path.Point to) {
    double x = to.x() - from.x();
    double y = to.y() - from.y();
    double squared = x * x + y * y;
    startX[place] = (float) from.x();
    startY[place] = (float) from.y();
    deltaX[place] = (float) x;
    deltaY[place] = (float) y;
    inverseSquaredLength[place] = squared < 1e-12 ? 0 : (float) (1 / squared);
    slope[place] = Math.abs(y) < 1e-12 ? 0 : (float) (x / y);
  }

  private static float radius(List<Path> paths) {
    double squared =
        paths.stream()
            .flatMap(path -> path.points().stream())
            .mapToDouble(point -> point.x() * point.x() + point.y() * point.y())
            .max()
            .orElse(0);
    return (float) Math.sqrt(squared);
  }
}
