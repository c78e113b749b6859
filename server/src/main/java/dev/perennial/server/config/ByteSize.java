package dev.perennial.server.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A number of bytes, written as {@code 512}, {@code 64KiB}, {@code 16MiB} or {@code 4GiB}. */
public record ByteSize(long bytes) {
  private static final Pattern FORM = Pattern.compile("(\\d{1,15})\\s*(B|KiB|MiB|GiB)?");

  /** Throws IllegalArgumentException that says what was expected. */
  public static ByteSize parse(String text) {
    Matcher matcher = FORM.matcher(text.strip());
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "size: '" + text + "' (expected: a number of B, KiB, MiB or GiB, as in 16MiB)");
    }
    String unit = matcher.group(2) == null ? "B" : matcher.group(2);
    int shift =
        switch (unit) {
          case "KiB" -> 10;
          case "MiB" -> 20;
          case "GiB" -> 30;
          default -> 0;
        };
    long number = Long.parseLong(matcher.group(1));
    if (number > Long.MAX_VALUE >> shift) {
      throw new IllegalArgumentException("size: '" + text + "' (expected: less than 8 EiB)");
    }
    return new ByteSize(number << shift);
  }

  /** In the largest unit that leaves a whole number. */
  @Override
  public String toString() {
    String[] units = {"", "KiB", "MiB", "GiB"};
    long number = bytes;
    int unit = 0;
    while (unit < units.length - 1 && number != 0 && number % 1_024 == 0) {
      number /= 1_024;
      unit++;
    }
    return String.format(Locale.ROOT, "%d%s", number, units[unit]);
  }
}
