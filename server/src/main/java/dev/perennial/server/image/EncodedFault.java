package dev.perennial.server.image;

import dev.perennial.server.error.ServingException;
import java.io.EOFException;

/** What can be wrong with an image file, as errors of the field {@code image.encoded}. */
final class EncodedFault {
  private static final String FIELD = "image.encoded";

  private EncodedFault() {}

  static ServingException undecodable(String what) {
    return ServingException.invalid("IMAGE_NOT_DECODABLE", FIELD, what);
  }

  static ServingException truncated(String what) {
    return ServingException.invalid("IMAGE_TRUNCATED", FIELD, what);
  }

  static ServingException tooLarge(String what) {
    return ServingException.invalid("IMAGE_TOO_LARGE", FIELD, what);
  }

  /** The failure of a JDK reader, which names many things by many exceptions. */
  static ServingException reader(String format, Exception cause) {
    boolean cut = cause instanceof EOFException;
    return ServingException.invalid(
        cut ? "IMAGE_TRUNCATED" : "IMAGE_NOT_DECODABLE",
        FIELD,
        format
            + " image: "
            + (cut ? "ends too early" : cause.getMessage())
            + " (expected: a whole picture)",
        cause);
  }
}
