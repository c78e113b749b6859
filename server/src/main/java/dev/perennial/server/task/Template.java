package dev.perennial.server.task;

import dev.perennial.server.error.ServingException;

/**
 * The sentence around a label, with "{}" exactly once where the label goes. What the label itself
 * contains is just text. Immutable.
 */
public final class Template {
  /** Where a caller gives none. */
  public static final String DEFAULT = "a photo of a {}";

  private static final String PLACEHOLDER = "{}";

  private final String before;
  private final String after;

  /** Throws IllegalArgumentException where the placeholder is missing or repeated. */
  public Template(String text) {
    if (!isTemplate(text)) {
      throw new IllegalArgumentException("template: " + text + " (expected: {} once)");
    }
    int place = text.indexOf(PLACEHOLDER);
    before = text.substring(0, place);
    after = text.substring(place + PLACEHOLDER.length());
  }

  /**
   * A caller's template.
   *
   * @param field where the request holds it
   * @param maxLength in UTF-16 characters
   * @throws ServingException INVALID_ARGUMENT, BAD_TEMPLATE
   */
  public static Template checked(String text, String field, int maxLength) {
    if (text.length() > maxLength || !isTemplate(text)) {
      throw ServingException.invalid(
          "BAD_TEMPLATE",
          field,
          "template: "
              + ServingException.quoted(text)
              + " (expected: {} once, at most "
              + maxLength
              + " characters)");
    }
    return new Template(text);
  }

  static boolean isTemplate(String text) {
    int place = text.indexOf(PLACEHOLDER);
    return place >= 0 && place == text.lastIndexOf(PLACEHOLDER);
  }

  /** The sentence about a label. */
  public String with(String label) {
    return before + label + after;
  }
}
