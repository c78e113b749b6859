package dev.perennial.server.world;

import java.util.List;
import java.util.Locale;

/** Where in the picture a figure stands. */
enum Position {
  LEFT(-1, 0),
  RIGHT(1, 0),
  TOP(0, -1),
  BOTTOM(0, 1),
  CENTER(0, 0),
  TOP_LEFT(-1, -1),
  TOP_RIGHT(1, -1),
  BOTTOM_LEFT(-1, 1),
  BOTTOM_RIGHT(1, 1);

  static final List<Position> ALL = List.of(values());

  private final int right;
  private final int down;
  private final String phrase;

  Position(int right, int down) {
    this.right = right;
    this.down = down;
    this.phrase = name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  /** -1 left, 0 middle, 1 right. */
  int right() {
    return right;
  }

  /** -1 top, 0 middle, 1 bottom. */
  int down() {
    return down;
  }

  String phrase() {
    return phrase;
  }
}
