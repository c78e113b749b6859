package dev.perennial.server.eval.data;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.nio.file.Path;

/** How files that are missing or damaged are reported: which file, and what was expected. */
final class DataFaults {
  private DataFaults() {}

  /** FAILED_PRECONDITION: the user can lay the file there. */
  static ServingException missing(Path file, String expected) {
    return new ServingException(
        ErrorCode.FAILED_PRECONDITION,
        "MISSING_FILE",
        file + ": missing (expected: " + expected + ")");
  }

  /** DATA_LOSS: the file is not what its name says. */
  static ServingException damaged(Path file, String found, String expected) {
    return new ServingException(
        ErrorCode.DATA_LOSS, "DAMAGED_FILE", message(file, found, expected));
  }

  /** DATA_LOSS, found by something that failed on it. */
  static ServingException damaged(Path file, String found, String expected, Throwable cause) {
    return new ServingException(
        ErrorCode.DATA_LOSS, "DAMAGED_FILE", message(file, found, expected), cause);
  }

  private static String message(Path file, String found, String expected) {
    return file + ": " + found + " (expected: " + expected + ")";
  }
}
