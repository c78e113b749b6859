package dev.perennial.server.eval.chart;

import java.util.List;
import java.util.Locale;

/**
 * The colours of the charts on a light and on a dark page, as style rules. Series differ in colour
 * and in marker, beyond eight also in dash, so that no reader depends on colour; scales run from
 * blue to orange, which all kinds of colour blindness keep apart. Immutable.
 */
public final class Palette {
  /** The series that others are measured against: grey and dashed. */
  public static final int NEUTRAL = -1;

  /** Steps of a heat map's scale: class suffixes 0..STEPS. */
  static final int STEPS = 24;

  /** After Okabe and Ito (2008), darkened until a line has a contrast of 3 on its page. */
  static final List<Rgb> LIGHT_SERIES =
      List.of(
          Rgb.of(0x0061a8),
          Rgb.of(0xc94f00),
          Rgb.of(0x00875f),
          Rgb.of(0xb0478c),
          Rgb.of(0x7a6a00),
          Rgb.of(0x2b8fc4),
          Rgb.of(0x8a2a1f),
          Rgb.of(0x5b4fb3));

  static final List<Rgb> DARK_SERIES =
      List.of(
          Rgb.of(0x5db4ff),
          Rgb.of(0xff9a4d),
          Rgb.of(0x2fc79a),
          Rgb.of(0xee8fc8),
          Rgb.of(0xe2cf4a),
          Rgb.of(0x8fdcf5),
          Rgb.of(0xff7d6e),
          Rgb.of(0xb4a8ff));

  static final Rgb LIGHT_PAGE = Rgb.WHITE;
  static final Rgb DARK_PAGE = Rgb.of(0x171c23);

  private static final List<Rgb> LIGHT_SEQUENCE =
      List.of(Rgb.of(0xf5f8fc), Rgb.of(0x8dbbe0), Rgb.of(0x0a3d7c));
  private static final List<Rgb> DARK_SEQUENCE =
      List.of(Rgb.of(0x1b222c), Rgb.of(0x2c69a8), Rgb.of(0xc3e3ff));
  private static final List<Rgb> LIGHT_DIVERGING =
      List.of(
          Rgb.of(0xa84300), Rgb.of(0xf4b183), Rgb.of(0xf7f7f7), Rgb.of(0x8dbbe0), Rgb.of(0x0a4d94));
  private static final List<Rgb> DARK_DIVERGING =
      List.of(
          Rgb.of(0xffb574), Rgb.of(0xa85a1c), Rgb.of(0x232a34), Rgb.of(0x2c69a8), Rgb.of(0xa9d6ff));

  private static final List<String> DASHES = List.of("none", "6 3", "2 3");

  private Palette() {}

  /** The class of a series; series beyond 24 repeat. */
  public static String series(int index) {
    return index == NEUTRAL ? "neutral" : "s" + index % (LIGHT_SERIES.size() * DASHES.size());
  }

  /** The class of a value on the scale that runs from nothing to much. */
  public static String sequential(double value, double min, double max) {
    return "a" + step((value - min) / (max - min));
  }

  /** The class of a value on the scale that runs from loss over none to gain. */
  public static String diverging(double value, double largest) {
    return "d" + step(0.5 + value / (2 * largest));
  }

  /** A strip of the first scale's colours. */
  public static void sequence(Markup out) {
    strip(out, "a");
  }

  /** A strip of the second scale's colours. */
  public static void divergence(Markup out) {
    strip(out, "d");
  }

  private static void strip(Markup out, String prefix) {
    out.open("span", "class", "strip", "aria-hidden", "true");
    for (int i = 0; i <= STEPS; i++) {
      out.empty("span", "class", prefix + i);
    }
    out.close();
  }

  /** The rules of all classes, for both pages. */
  static String css() {
    StringBuilder css = new StringBuilder();
    css.append(":root{").append(variables(LIGHT_SERIES)).append("}\n");
    css.append(scale("a", LIGHT_SEQUENCE)).append(scale("d", LIGHT_DIVERGING));
    css.append("@media screen and (prefers-color-scheme: dark){\n:root{");
    css.append(variables(DARK_SERIES)).append("}\n");
    css.append(scale("a", DARK_SEQUENCE)).append(scale("d", DARK_DIVERGING)).append("}\n");
    for (int i = 0; i < LIGHT_SERIES.size() * DASHES.size(); i++) {
      css.append(
          String.format(
              Locale.ROOT,
              ".s%d{--c:var(--c%d);--dash:%s}%n",
              i,
              i % LIGHT_SERIES.size(),
              DASHES.get(i / LIGHT_SERIES.size())));
    }
    return css.toString();
  }

  static List<List<Rgb>> scales() {
    return List.of(LIGHT_SEQUENCE, DARK_SEQUENCE, LIGHT_DIVERGING, DARK_DIVERGING);
  }

  /** The colour at a share 0..1 of a scale of equally spaced stops. */
  static Rgb at(List<Rgb> stops, double share) {
    double place = share * (stops.size() - 1);
    int from = Math.min((int) place, stops.size() - 2);
    return stops.get(from).mix(stops.get(from + 1), place - from);
  }

  private static int step(double share) {
    return (int) Math.round(Math.min(1, Math.max(0, share)) * STEPS);
  }

  private static String variables(List<Rgb> series) {
    StringBuilder css = new StringBuilder();
    for (int i = 0; i < series.size(); i++) {
      css.append("--c").append(i).append(':').append(series.get(i).hex()).append(';');
    }
    return css.toString();
  }

  private static String scale(String prefix, List<Rgb> stops) {
    StringBuilder css = new StringBuilder();
    for (int i = 0; i <= STEPS; i++) {
      Rgb colour = at(stops, (double) i / STEPS);
      css.append(
          ".%s%d{background:%s;color:%s}%n".formatted(prefix, i, colour.hex(), colour.ink().hex()));
    }
    return css.toString();
  }
}
