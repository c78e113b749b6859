package dev.perennial.server.eval.chart;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;

/**
 * HTML and SVG being written. Well-formed as XML whatever is written: elements close in order, and
 * every text and attribute value is escaped. Element and attribute names are the program's own.
 * Used by one thread.
 */
public final class Markup {
  /** Elements that never have content: HTML's void ones and SVG's shapes. */
  private static final Set<String> EMPTY =
      Set.of("br", "input", "link", "meta", "circle", "line", "path", "polyline", "rect");

  /** Elements that end a line of the text, so that a person can read the source. */
  private static final Set<String> ENDS_LINE =
      Set.of("div", "figure", "h1", "h2", "h3", "li", "p", "section", "svg", "table", "tr");

  private final StringBuilder text = new StringBuilder();
  private final Deque<String> open = new ArrayDeque<>();

  /**
   * Begins an element.
   *
   * @param attributes names and values in turn; one without a value is left out
   */
  public Markup open(String name, String... attributes) {
    tag(name, attributes);
    text.append('>');
    open.push(name);
    return this;
  }

  /** Ends the element that was begun last. */
  public Markup close() {
    String name = open.pop();
    text.append("</").append(name).append('>');
    if (ENDS_LINE.contains(name)) {
      text.append('\n');
    }
    return this;
  }

  /** An element without content. */
  public Markup empty(String name, String... attributes) {
    tag(name, attributes);
    text.append(EMPTY.contains(name) ? "/>" : "></" + name + ">");
    return this;
  }

  /** An element with nothing but text. */
  public Markup element(String name, String content, String... attributes) {
    return open(name, attributes).text(content).close();
  }

  /** Text as it is to be read. */
  public Markup text(String content) {
    escape(content);
    return this;
  }

  /** Style rules of our own: they hold no markup, so none is escaped. */
  public Markup style(String css) {
    if (css.indexOf('<') >= 0 || css.indexOf('&') >= 0) {
      throw new IllegalArgumentException("style: holds < or & (expected: rules without markup)");
    }
    text.append("<style>\n").append(css).append("</style>\n");
    return this;
  }

  /** What was written. */
  @Override
  public String toString() {
    if (!open.isEmpty()) {
      throw new IllegalStateException("open elements: " + open + " (expected: none)");
    }
    return text.toString();
  }

  private void tag(String name, String... attributes) {
    text.append('<').append(name);
    for (int i = 0; i < attributes.length; i += 2) {
      if (!attributes[i + 1].isEmpty()) {
        text.append(' ').append(attributes[i]).append("=\"");
        escape(attributes[i + 1]);
        text.append('"');
      }
    }
  }

  private void escape(String content) {
    for (int at = 0; at < content.length(); ) {
      int character = content.codePointAt(at);
      at += Character.charCount(character);
      switch (character) {
        case '<' -> text.append("&lt;");
        case '>' -> text.append("&gt;");
        case '&' -> text.append("&amp;");
        case '"' -> text.append("&quot;");
        case '\'' -> text.append("&#39;");
        default -> text.appendCodePoint(allowed(character) ? character : '\uFFFD');
      }
    }
  }

  /** XML 1.0, production 2, and none of the marks that turn the direction of what follows. */
  private static boolean allowed(int character) {
    boolean turnsText = within(character, 0x202A, 0x202E) || within(character, 0x2066, 0x2069);
    boolean known =
        character == '\t'
            || character == '\n'
            || character == '\r'
            || within(character, 0x20, 0xD7FF)
            || within(character, 0xE000, 0xFFFD)
            || within(character, 0x10000, Character.MAX_CODE_POINT);
    return known && !turnsText;
  }

  private static boolean within(int character, int first, int last) {
    return character >= first && character <= last;
  }
}
