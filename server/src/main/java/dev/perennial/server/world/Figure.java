package dev.perennial.server.world;

/**
 * One glyph in a scene. Immutable.
 *
 * @param x of its centre, pixels
 * @param y of its centre, pixels
 * @param size pixels from its centre to the edge of the glyph's box
 * @param colour of its strokes or its inside
 * @param turn radians, clockwise
 * @param slant how far x moves for each step in y
 * @param aspect width over height
 * @param penWidth pixels from a stroke's middle to its edge
 * @param outlined whether a shape is only drawn around
 * @param fill of a shape's inside
 * @param fillColour the fill's second colour
 * @param fillPeriod of the fill, pixels
 * @param wobble how unsteady the hand is, as a share of the size
 * @param phase where in its swing the hand is, radians; also the fill's phase
 */
record Figure(
    Glyph glyph,
    double x,
    double y,
    double size,
    Rgb colour,
    double turn,
    double slant,
    double aspect,
    double penWidth,
    boolean outlined,
    Texture fill,
    Rgb fillColour,
    double fillPeriod,
    double wobble,
    double phase) {
  private static final double DEFAULT_PEN_WIDTH = 1.2;

  /** Upright, filled, drawn with a steady hand. */
  static Figure of(Glyph glyph, double x, double y, double size, Rgb colour) {
    return new Figure(
        glyph,
        x,
        y,
        size,
        colour,
        0,
        0,
        1,
        DEFAULT_PEN_WIDTH,
        false,
        Texture.PLAIN,
        colour,
        4,
        0,
        0);
  }

  Figure turned(double radians) {
    return new Figure(
        glyph,
        x,
        y,
        size,
        colour,
        radians,
        slant,
        aspect,
        penWidth,
        outlined,
        fill,
        fillColour,
        fillPeriod,
        wobble,
        phase);
  }

  Figure slanted(double newSlant, double newAspect) {
    return new Figure(
        glyph,
        x,
        y,
        size,
        colour,
        turn,
        newSlant,
        newAspect,
        penWidth,
        outlined,
        fill,
        fillColour,
        fillPeriod,
        wobble,
        phase);
  }

  Figure withPen(double width, boolean onlyOutline) {
    return new Figure(
        glyph,
        x,
        y,
        size,
        colour,
        turn,
        slant,
        aspect,
        width,
        onlyOutline,
        fill,
        fillColour,
        fillPeriod,
        wobble,
        phase);
  }

  Figure filledWith(Texture texture, Rgb secondColour, double period) {
    return new Figure(
        glyph,
        x,
        y,
        size,
        colour,
        turn,
        slant,
        aspect,
        penWidth,
        outlined,
        texture,
        secondColour,
        period,
        wobble,
        phase);
  }

  Figure wobbling(double share, double newPhase) {
    return new Figure(
        glyph,
        x,
        y,
        size,
        colour,
        turn,
        slant,
        aspect,
        penWidth,
        outlined,
        fill,
        fillColour,
        fillPeriod,
        share,
        newPhase);
  }

  /** Whether its lines are drawn, rather than its inside filled. */
  boolean hasPen() {
    return outlined || glyph.isStroke();
  }

  /** The same at another place. */
  Figure at(double newX, double newY) {
    return new Figure(
        glyph,
        newX,
        newY,
        size,
        colour,
        turn,
        slant,
        aspect,
        penWidth,
        outlined,
        fill,
        fillColour,
        fillPeriod,
        wobble,
        phase);
  }

  /** Whether this figure's centre is more than so many pixels from a place. */
  boolean isFartherThan(double distance, double placeX, double placeY) {
    double dx = x - placeX;
    double dy = y - placeY;
    return dx * dx + dy * dy > distance * distance;
  }
}
