package dev.perennial.server.cli;

import java.util.List;
import java.util.regex.Pattern;

/** A command line as text that a shell reads back as the same words. */
final class ShellWords {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");

  private ShellWords() {}

  /** The program's name and its arguments; what a shell would change stands in quotes. */
  static String join(String program, List<String> arguments) {
    StringBuilder text = new StringBuilder(program);
    for (String word : arguments) {
      boolean plain = PLAIN.matcher(word).matches();
      text.append(' ').append(plain ? word : "'" + word.replace("'", "'\\''") + "'");
    }
    return text.toString();
  }
}
