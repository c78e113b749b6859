package dev.perennial.server.world;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * One thing that can be drawn and named: a shape, a digit or a letter. A shape has an inside;
 * digits and letters are strokes of a pen. Immutable.
 */
public final class Glyph {
  /** What kind of thing it is. */
  public enum Family {
    SHAPE,
    DIGIT,
    LETTER
  }

  private static final List<Glyph> ALL = new ArrayList<>();
  private static final Map<String, Glyph> BY_NAME;

  static {
    ShapeOutlines.BY_NAME.forEach((name, paths) -> add(name, Family.SHAPE, paths));
    PenStrokes.DIGITS.forEach((name, paths) -> add(name, Family.DIGIT, paths));
    PenStrokes.LETTERS.forEach((name, paths) -> add(name, Family.LETTER, paths));
    BY_NAME = ALL.stream().collect(Collectors.toMap(Glyph::name, Function.identity()));
  }

  private static final List<Glyph> SHAPES = family(Family.SHAPE);
  private static final List<Glyph> DIGITS = family(Family.DIGIT);
  private static final List<Glyph> LETTERS = family(Family.LETTER);

  private final int index;
  private final String name;
  private final Family family;
  private final Segments segments;

  private Glyph(int index, String name, Family family, Segments segments) {
    this.index = index;
    this.name = name;
    this.family = family;
    this.segments = segments;
  }

  private static void add(String name, Family family, List<Path> paths) {
    ALL.add(new Glyph(ALL.size(), name, family, Segments.of(paths)));
  }

  private static List<Glyph> family(Family family) {
    return ALL.stream().filter(glyph -> glyph.family == family).toList();
  }

  /** Shapes, then digits, then letters. */
  public static List<Glyph> all() {
    return List.copyOf(ALL);
  }

  public static List<Glyph> shapes() {
    return SHAPES;
  }

  public static List<Glyph> digits() {
    return DIGITS;
  }

  public static List<Glyph> letters() {
    return LETTERS;
  }

  /** By its name, such as {@code circle}, {@code seven} or {@code k}. */
  public static Glyph named(String name) {
    Glyph glyph = BY_NAME.get(name);
    if (glyph == null) {
      throw new IllegalArgumentException(
          "glyph: " + name + " (expected: one of " + BY_NAME.keySet() + ")");
    }
    return glyph;
  }

  /** Place in {@link #all}. */
  public int index() {
    return index;
  }

  public String name() {
    return name;
  }

  public Family family() {
    return family;
  }

  /** Whether it is drawn with a pen, without an inside. */
  boolean isStroke() {
    return family != Family.SHAPE;
  }

  Segments segments() {
    return segments;
  }

  /** As captions say it: {@code circle}, {@code digit seven}, {@code letter k}. */
  public String noun() {
    return switch (family) {
      case SHAPE -> name;
      case DIGIT -> "digit " + name;
      case LETTER -> "letter " + name;
    };
  }

  /** As captions say several of it: {@code circles}, {@code digits seven}, {@code letters k}. */
  public String pluralNoun() {
    return switch (family) {
      case SHAPE -> name + (name.endsWith("s") ? "es" : "s");
      case DIGIT -> "digits " + name;
      case LETTER -> "letters " + name;
    };
  }

  @Override
  public String toString() {
    return noun();
  }
}
