package dev.perennial.server.eval.chart;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Style rules, kept as resources beside the classes that need them. */
public final class StyleSheet {
  private StyleSheet() {}

  /**
   * What a page with charts needs: the palette, and how lines, bars, points and heat maps look. The
   * page gives the colours --ink, --soft, --grid and --card.
   */
  public static String charts() {
    return Palette.css() + read(StyleSheet.class, "charts.css");
  }

  /** A style sheet of the class's package. */
  public static String read(Class<?> owner, String name) {
    try (InputStream in = owner.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("resource " + name + ": absent (expected: in the jar)");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
