package dev.perennial.server.eval.data;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;

/**
 * Where one picture's bytes come from; its {@code toString} says where. Safe for use by many
 * threads.
 */
@FunctionalInterface
public interface PictureSource {
  /**
   * The bytes of an image file (JPEG or PNG), read or encoded now unless they are kept; the caller
   * must not change them.
   */
  byte[] encoded() throws IOException;

  /** The same; DATA_LOSS, with its place, where it cannot be read. */
  default byte[] read() {
    try {
      return encoded();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** What is told of a picture that cannot be read or decoded. */
  default ServingException unreadable(Exception cause) {
    return new ServingException(
        ErrorCode.DATA_LOSS,
        "PICTURE_UNREADABLE",
        "picture: " + this + " cannot be read (" + cause.getMessage() + ")",
        cause);
  }
}
