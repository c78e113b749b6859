package dev.perennial.server.world;

import static dev.perennial.server.world.Path.arc;
import static dev.perennial.server.world.Path.polygon;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The closed outlines of the twenty shapes. A second outline in a list is a hole. */
final class ShapeOutlines {
  /** By name; the order is part of the world (held-out pairs are counted by it). */
  static final Map<String, List<Path>> BY_NAME = new LinkedHashMap<>();

  static {
    add("circle", polygon(20, .95, .95));
    add("square", box(.8, .8));
    add("triangle", Path.of(0, -.95, .95, .8, -.95, .8));
    add("diamond", Path.of(0, -1, .7, 0, 0, 1, -.7, 0));
    add("star", Path.star(.42));
    add("pentagon", polygon(5, 1, 1));
    add("hexagon", polygon(6, 1, 1));
    add(
        "cross",
        Path.of(-.3, -.95, .3, -.95, .3, -.3, .95, -.3, .95, .3, .3, .3)
            .to(.3, .95, -.3, .95, -.3, .3, -.95, .3, -.95, -.3, -.3, -.3));
    add("heart", Path.heart(18));
    add("crescent", arc(0, 0, .95, 50, 310, 14).then(arc(.4, 0, .75, 285, 75, 10)));
    add("ring", polygon(18, .95, .95), polygon(16, .5, .5));
    add("arrow", Path.of(-.95, -.25, .1, -.25, .1, -.7, .95, 0, .1, .7, .1, .25, -.95, .25));
    add("oval", polygon(20, 1, .55));
    add("bar", box(1, .3));
    add("semicircle", arc(0, .45, .95, 180, 360, 12));
    add("house", Path.of(0, -.95, .85, -.15, .85, .85, -.85, .85, -.85, -.15));
    add("drop", Path.of(0, -1).then(arc(0, .35, .62, -25, 205, 14)));
    add("hourglass", Path.of(-.8, -.9, .8, -.9, .12, 0, .8, .9, -.8, .9, -.12, 0));
    add("bolt", Path.of(.15, -1, -.6, .15, -.05, .15, -.2, 1, .6, -.25, .05, -.25));
    add("frame", box(.85, .85), box(.45, .45));
  }

  private ShapeOutlines() {}

  private static void add(String name, Path... loops) {
    BY_NAME.put(name, Stream.of(loops).map(Path::closed).toList());
  }

  private static Path box(double x, double y) {
    return Path.of(-x, -y, x, -y, x, y, -x, y);
  }
}
