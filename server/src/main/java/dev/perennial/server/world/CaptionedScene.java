package dev.perennial.server.world;

import org.jspecify.annotations.Nullable;

/**
 * A scene of the pre-training world, what a caption says about it, and what it truly shows.
 *
 * @param colour of the (first) figure, or of the ground where there is none
 * @param glyph of the (first) figure; null for a bare texture
 * @param texture of the ground
 * @param count number of figures
 */
public record CaptionedScene(
    Scene scene,
    String caption,
    Kind kind,
    Colour colour,
    @Nullable Glyph glyph,
    Texture texture,
    int count) {
  /** What a picture is about. */
  public enum Kind {
    /** One figure. */
    SINGLE,
    /** Several equal figures. */
    GROUP,
    /** Two figures, one beside or above the other. */
    PAIR,
    /** A texture alone. */
    TEXTURE
  }
}
