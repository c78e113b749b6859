package dev.perennial.server.task;

/** What values must be like. Stateless. */
final class Checks {
  private Checks() {}

  /** Throws IllegalArgumentException that names the value and the expectation. */
  static void require(boolean holds, String what, Object value, Object expected) {
    if (!holds) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: " + expected + ")");
    }
  }
}
