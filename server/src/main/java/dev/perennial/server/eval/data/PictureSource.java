package dev.perennial.server.eval.data;

import java.io.IOException;

/** Where one picture's bytes come from. Safe for use by many threads. */
@FunctionalInterface
public interface PictureSource {
  /**
   * The bytes of an image file (JPEG or PNG), read or encoded now unless they are kept; the caller
   * must not change them.
   */
  byte[] encoded() throws IOException;
}
