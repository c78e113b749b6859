package dev.perennial.server.eval.report;

import java.util.Locale;

/** Numbers as people read them. */
final class Numbers {
  static final String MISSING = "\u2013";
  private static final String MINUS = "\u2212";

  private Numbers() {}

  /** With so many digits after the point and a comma between thousands. */
  static String decimal(double value, int digits) {
    if (Double.isNaN(value)) {
      return MISSING;
    }
    String text = String.format(Locale.ROOT, "%,." + digits + "f", Math.abs(value));
    return value < 0 && !isZero(text) ? MINUS + text : text;
  }

  static String tenths(double value) {
    return decimal(value, 1);
  }

  /** With its sign, in tenths; zero has none. */
  static String change(double value) {
    String text = tenths(value);
    return value > 0 && !isZero(text) ? "+" + text : text;
  }

  /** Such as "3 seeds", "1 seed". */
  static String count(int number, String one) {
    return number + " " + one + (number == 1 ? "" : "s");
  }

  private static boolean isZero(String text) {
    return text.chars().allMatch(c -> c == '0' || c == '.');
  }
}
