package dev.perennial.client;

import java.time.Duration;

/**
 * Bounds of one stream. Immutable.
 *
 * @param window requests sent and not yet answered, at most
 * @param answerDeadline longest wait for room in the window, and for one answer
 */
public record StreamOptions(int window, Duration answerDeadline) {
  /** A window of 64 and 30 seconds for an answer. */
  public static final StreamOptions DEFAULTS = new StreamOptions(64, Duration.ofSeconds(30));

  public StreamOptions {
    if (window < 1 || window > 10_000) {
      throw new IllegalArgumentException("window: " + window + " (expected: 1..10000)");
    }
    if (answerDeadline.isNegative() || answerDeadline.isZero()) {
      throw new IllegalArgumentException(
          "answer deadline: " + answerDeadline + " (expected: more than 0)");
    }
  }

  /** The same with another window. */
  public StreamOptions withWindow(int window) {
    return new StreamOptions(window, answerDeadline);
  }

  /** The same with another answer deadline. */
  public StreamOptions withAnswerDeadline(Duration answerDeadline) {
    return new StreamOptions(window, answerDeadline);
  }
}
