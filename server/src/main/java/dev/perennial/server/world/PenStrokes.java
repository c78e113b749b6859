package dev.perennial.server.world;

import static dev.perennial.server.world.Path.arc;
import static dev.perennial.server.world.Path.polygon;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The strokes of ten digits and 22 capital letters (I, J, O and Q look too much like others). */
final class PenStrokes {
  private static final double LEFT = -.55;
  private static final double RIGHT = .55;
  private static final double TOP = -.9;
  private static final double BOTTOM = .9;

  /** By name, from zero. */
  static final Map<String, List<Path>> DIGITS = new LinkedHashMap<>();

  /** By name, from a. */
  static final Map<String, List<Path>> LETTERS = new LinkedHashMap<>();

  static {
    digit("zero", polygon(12, .58, .9).closed());
    digit("one", Path.of(-.3, -.55, .05, TOP, .05, BOTTOM));
    digit("two", arc(0, -.42, .5, 190, 380, 6).to(LEFT, BOTTOM, RIGHT, BOTTOM));
    digit(
        "three", arc(-.05, -.45, .45, 200, 440, 6).to(0, 0).then(arc(-.05, .45, .48, -70, 160, 6)));
    digit("four", Path.of(.25, BOTTOM, .25, TOP, -.6, .3, .6, .3));
    digit("five", Path.of(RIGHT, TOP, -.45, TOP, -.5, -.1).then(arc(-.05, .38, .52, -100, 150, 7)));
    digit("six", Path.of(.4, TOP, -.3, -.2).then(arc(0, .4, .5, 190, 560, 10)));
    digit("seven", Path.of(LEFT, TOP, RIGHT, TOP, -.15, BOTTOM));
    digit("eight", arc(0, -.45, .42, 90, 450, 9).then(arc(0, .43, .48, -90, 270, 9)));
    digit("nine", Path.of(-.4, BOTTOM, .3, .2).then(arc(0, -.4, .5, 10, 380, 10)));

    letter("a", Path.of(-.65, BOTTOM, 0, TOP, .65, BOTTOM), Path.of(-.4, .3, .4, .3));
    letter("b", stem(LEFT), upperBowl(-.45, .42, 0), lowerBowl());
    letter("c", arc(.1, 0, .75, .8625, -55, -305, 9));
    letter(
        "d",
        Path.of(LEFT, TOP, LEFT, BOTTOM, -.1, BOTTOM)
            .then(arc(-.1, 0, .72, .864, 85, -85, 8))
            .to(LEFT, TOP));
    letter("e", Path.of(RIGHT, TOP, LEFT, TOP, LEFT, BOTTOM, RIGHT, BOTTOM), middleBar());
    letter("f", Path.of(RIGHT, TOP, LEFT, TOP, LEFT, BOTTOM), middleBar());
    letter("g", arc(.05, 0, .72, .864, -50, -340, 9).to(.1, .15));
    letter("h", stem(LEFT), stem(RIGHT), Path.of(LEFT, 0, RIGHT, 0));
    letter("k", stem(LEFT), Path.of(RIGHT, TOP, LEFT, .1, RIGHT, BOTTOM));
    letter("l", Path.of(-.4, TOP, -.4, BOTTOM, RIGHT, BOTTOM));
    letter("m", Path.of(-.75, BOTTOM, -.75, TOP, 0, .25, .75, TOP, .75, BOTTOM));
    letter("n", Path.of(LEFT, BOTTOM, LEFT, TOP, RIGHT, BOTTOM, RIGHT, TOP));
    letter("p", stem(LEFT), upperBowl(-.42, .45, .05));
    letter("r", stem(LEFT), upperBowl(-.42, .45, .05).to(RIGHT, BOTTOM));
    letter("s", arc(0, -.45, .46, -20, -270, 7).then(arc(0, .45, .48, -90, 160, 7)));
    letter("t", Path.of(-.65, TOP, .65, TOP), stem(0));
    letter("u", Path.of(LEFT, TOP, LEFT, .4).then(arc(0, .4, .55, 180, 0, 6)).to(RIGHT, TOP));
    letter("v", Path.of(-.65, TOP, 0, BOTTOM, .65, TOP));
    letter("w", Path.of(-.85, TOP, -.4, BOTTOM, 0, -.3, .4, BOTTOM, .85, TOP));
    letter("x", Path.of(-.6, TOP, .6, BOTTOM), Path.of(.6, TOP, -.6, BOTTOM));
    letter("y", Path.of(-.6, TOP, 0, 0, .6, TOP), Path.of(0, 0, 0, BOTTOM));
    letter("z", Path.of(-.6, TOP, .6, TOP, -.6, BOTTOM, .6, BOTTOM));
  }

  private PenStrokes() {}

  private static void digit(String name, Path... strokes) {
    DIGITS.put(name, List.of(strokes));
  }

  private static void letter(String name, Path... strokes) {
    LETTERS.put(name, List.of(strokes));
  }

  private static Path stem(double x) {
    return Path.of(x, TOP, x, BOTTOM);
  }

  private static Path middleBar() {
    return Path.of(LEFT, 0, .35, 0);
  }

  private static Path upperBowl(double centre, double radius, double end) {
    return Path.of(LEFT, TOP, .1, TOP).then(arc(.1, centre, radius, -80, 80, 5)).to(LEFT, end);
  }

  private static Path lowerBowl() {
    return Path.of(LEFT, 0, .1, 0).then(arc(.1, .45, .45, -80, 80, 5)).to(LEFT, BOTTOM);
  }
}
