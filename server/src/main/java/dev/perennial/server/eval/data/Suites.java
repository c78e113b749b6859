package dev.perennial.server.eval.data;

import dev.perennial.server.error.ServingException;

/** What every suite checks about a question to it. Stateless. */
final class Suites {
  private Suites() {}

  static void requireTask(Suite suite, String task) {
    if (!suite.tasks().contains(task)) {
      throw ServingException.invalid(
          "UNKNOWN_TASK",
          "task",
          "task of " + suite.name() + ": " + task + " (expected: one of " + suite.tasks() + ")");
    }
  }

  /** Returns the argument. */
  static int requireShots(int shots) {
    if (shots < 0) {
      throw ServingException.invalid(
          "SHOTS", "shots", "shots: " + shots + " (expected: 0 for all, or >= 1)");
    }
    return shots;
  }
}
