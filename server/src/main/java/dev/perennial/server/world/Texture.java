package dev.perennial.server.world;

import java.util.List;
import java.util.Locale;

/**
 * A pattern of two colours: for every place the share of the second colour. Lines and edges are
 * about one pixel soft.
 */
public enum Texture {
  PLAIN,
  HORIZONTAL_STRIPES,
  VERTICAL_STRIPES,
  DIAGONAL_STRIPES,
  CHECKERED,
  DOTTED,
  GRID,
  NOISE,
  GRADIENT,
  WAVES,
  RINGS,
  BRICKS;

  /** All of them, in order. */
  public static final List<Texture> ALL = List.of(values());

  /** Those that fill the inside of a figure well. */
  static final List<Texture> FILLS =
      List.of(HORIZONTAL_STRIPES, VERTICAL_STRIPES, DIAGONAL_STRIPES, CHECKERED, DOTTED, GRID);

  private static final float DIAGONAL = .7071f;
  private static final float DOT_RADIUS = .3f;
  private static final float LINE_HALF_WIDTH = .12f;
  private static final float WAVE_HEIGHT = .35f;
  private static final float WAVE_LENGTH = 2.2f;
  private static final float GRADIENT_LENGTH = 32f;

  private final String phrase;

  Texture() {
    this.phrase = name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  /** Its name in captions: one or two words. */
  public String phrase() {
    return phrase;
  }

  /**
   * Share of the second colour, 0..1.
   *
   * @param x pixels from the centre, to the right
   * @param y pixels from the centre, downwards
   * @param period pixels after which the pattern repeats
   * @param phase shift, in periods
   * @param seed of the noise
   */
  float share(float x, float y, float period, float phase, int seed) {
    return switch (this) {
      case PLAIN -> 0;
      case HORIZONTAL_STRIPES -> stripe(y / period + phase, period);
      case VERTICAL_STRIPES -> stripe(x / period + phase, period);
      case DIAGONAL_STRIPES -> stripe((x + y) * DIAGONAL / period + phase, period);
      case CHECKERED -> {
        float across = stripe(x / (2 * period) + phase, 2 * period);
        float down = stripe(y / (2 * period) + phase, 2 * period);
        yield across * (1 - down) + down * (1 - across);
      }
      case DOTTED -> {
        float across = fraction(x / period + phase) - .5f;
        float down = fraction(y / period + phase) - .5f;
        float distance = (float) Math.sqrt(across * across + down * down);
        yield clip(.5f + (DOT_RADIUS - distance) * period);
      }
      case GRID -> line(fromMiddle(x / period + phase), fromMiddle(y / period + phase), period);
      case NOISE -> Noise.unit(seed + (int) Math.floor(x) * 7919 + (int) Math.floor(y) * 104729);
      case GRADIENT -> clip(.5f + (x + y) * DIAGONAL / GRADIENT_LENGTH);
      case WAVES -> {
        float bend = (float) StrictMath.sin(2 * Math.PI * x / (WAVE_LENGTH * period));
        yield stripe(y / period + phase + WAVE_HEIGHT * bend, period);
      }
      case RINGS -> stripe((float) Math.sqrt(x * x + y * y) / period + phase * .25f, period);
      case BRICKS -> {
        float course = y / period + phase;
        float offset = ((int) Math.floor(course) & 1) * .5f;
        yield line(2 * fromMiddle(x / (2 * period) + offset), fromMiddle(course), period);
      }
    };
  }

  private static float stripe(float position, float sharpness) {
    float part = fraction(position);
    float triangle = part < .5f ? part : 1 - part;
    return clip(.5f + (triangle - .25f) * sharpness);
  }

  private static float line(float across, float down, float sharpness) {
    return clip(.5f + (LINE_HALF_WIDTH - Math.min(across, down)) * sharpness);
  }

  private static float fromMiddle(float position) {
    return Math.abs(fraction(position) - .5f);
  }

  private static float fraction(float value) {
    return value - (float) Math.floor(value);
  }

  private static float clip(float value) {
    return Math.max(0f, Math.min(1f, value));
  }
}
