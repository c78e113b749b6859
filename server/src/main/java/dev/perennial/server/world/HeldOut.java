package dev.perennial.server.world;

import java.util.List;

/**
 * The pairs of colour and shape that pre-training never shows: 24 of 240. Whoever names them right
 * has understood colour and shape apart from each other.
 */
final class HeldOut {
  private static final int STRIDE = 7;
  private static final int ONE_IN = 10;

  private HeldOut() {}

  static boolean contains(Colour colour, Glyph glyph) {
    return glyph.family() == Glyph.Family.SHAPE
        && (Colour.ALL.indexOf(colour) * STRIDE + glyph.index()) % ONE_IN == 0;
  }

  /** The colours that this glyph never has in pre-training. */
  static List<Colour> coloursOf(Glyph glyph) {
    return Colour.ALL.stream().filter(colour -> contains(colour, glyph)).toList();
  }
}
