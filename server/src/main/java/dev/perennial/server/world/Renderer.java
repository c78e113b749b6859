package dev.perennial.server.world;

import dev.perennial.server.image.RgbImage;

/**
 * Draws a scene into 32 x 32 pixels by signed distances: how far each pixel's centre is from the
 * glyph's lines says how much of it is covered, so edges are soft by one pixel. A scene always
 * gives the same bytes. Not thread-safe (it keeps its canvas); make one per thread.
 */
public final class Renderer {
  /** Width and height of every picture of this world. */
  public static final int SIZE = 32;

  private static final int PIXELS = SIZE * SIZE;
  private static final float CENTRE = SIZE / 2f;

  /** A turned and wobbling glyph stays within its size times this. */
  private static final double REACH = 1.6;

  private static final float WOBBLE_RATE_Y = 3.1f;
  private static final float WOBBLE_RATE_X = 2.7f;
  private static final float WOBBLE_PHASE = 1.7f;
  private static final int FILL_SEED = 77;

  private final float[][] canvas = new float[3][PIXELS];
  private final float[] before = new float[PIXELS];

  /** The scene as pixels. */
  public RgbImage render(Scene scene) {
    drawGround(scene.ground(), scene.noiseSeed());
    for (Figure figure : scene.figures()) {
      drawFigure(figure, scene.noiseSeed());
    }
    for (int pass = 0; pass < scene.camera().blurPasses(); pass++) {
      for (float[] channel : canvas) {
        blur(channel);
      }
    }
    return new RgbImage(SIZE, SIZE, develop(scene.camera(), scene.noiseSeed()));
  }

  private void drawGround(Scene.Ground ground, int seed) {
    float cos = (float) StrictMath.cos(ground.angle());
    float sin = (float) StrictMath.sin(ground.angle());
    float period = (float) ground.period();
    float phase = (float) ground.phase();
    for (int row = 0; row < SIZE; row++) {
      for (int column = 0; column < SIZE; column++) {
        float x = column + .5f - CENTRE;
        float y = row + .5f - CENTRE;
        float share =
            ground.texture().share(cos * x + sin * y, cos * y - sin * x, period, phase, seed);
        int pixel = row * SIZE + column;
        canvas[0][pixel] = mix(ground.first().red(), ground.second().red(), share);
        canvas[1][pixel] = mix(ground.first().green(), ground.second().green(), share);
        canvas[2][pixel] = mix(ground.first().blue(), ground.second().blue(), share);
      }
    }
  }

  private void drawFigure(Figure figure, int seed) {
    double reach = figure.size() * REACH * Math.max(1, figure.aspect()) + 2;
    int top = clampPixel(Math.floor(figure.y() - reach));
    int bottom = clampPixel(Math.ceil(figure.y() + reach));
    int left = clampPixel(Math.floor(figure.x() - reach));
    int right = clampPixel(Math.ceil(figure.x() + reach));
    float cos = (float) StrictMath.cos(figure.turn());
    float sin = (float) StrictMath.sin(figure.turn());
    float size = (float) figure.size();
    float width = (float) (figure.size() * figure.aspect());
    float slant = (float) figure.slant();
    float wobble = (float) figure.wobble();
    float phase = (float) figure.phase();
    for (int row = top; row < bottom; row++) {
      for (int column = left; column < right; column++) {
        float dx = column + .5f - (float) figure.x();
        float dy = row + .5f - (float) figure.y();
        float v = (cos * dy - sin * dx) / size;
        float u = (cos * dx + sin * dy) / width - slant * v;
        if (wobble > 0) {
          float bentU = u + wobble * sine(WOBBLE_RATE_Y * v + phase);
          v += wobble * sine(WOBBLE_RATE_X * u + WOBBLE_PHASE * phase);
          u = bentU;
        }
        float coverage = Math.min(1f, .5f - distance(figure, u, v));
        if (coverage > 0) {
          paint(figure, row * SIZE + column, coverage, u, v, seed);
        }
      }
    }
  }

  /** Pixels from the figure's edge, negative inside. */
  private static float distance(Figure figure, float u, float v) {
    Segments segments = figure.glyph().segments();
    float[] startX = segments.startX();
    float[] startY = segments.startY();
    float[] deltaX = segments.deltaX();
    float[] deltaY = segments.deltaY();
    float[] inverse = segments.inverseSquaredLength();
    float[] slope = segments.slope();
    float size = (float) figure.size();
    float pen = figure.hasPen() ? (float) figure.penWidth() : 0;
    float reach = segments.radius() + (pen + 1) / size;
    if (u * u + v * v > reach * reach) {
      return 1; // farther than that from the circle around the glyph
    }
    float nearest = Float.MAX_VALUE;
    boolean inside = false;
    for (int i = 0; i < startX.length; i++) {
      float x = u - startX[i];
      float y = v - startY[i];
      float along = Math.max(0f, Math.min(1f, (x * deltaX[i] + y * deltaY[i]) * inverse[i]));
      float offX = x - along * deltaX[i];
      float offY = y - along * deltaY[i];
      nearest = Math.min(nearest, offX * offX + offY * offY);
      boolean crosses = (y < 0) != (y < deltaY[i]);
      inside ^= crosses && x < slope[i] * y; // even-odd rule, a ray to the right
    }
    float pixels = (float) Math.sqrt(nearest) * size;
    return figure.hasPen() || !inside ? pixels - pen : -pixels;
  }

  private void paint(Figure figure, int pixel, float coverage, float u, float v, int seed) {
    float size = (float) figure.size();
    float share =
        figure
            .fill()
            .share(
                u * size,
                v * size,
                (float) figure.fillPeriod(),
                (float) figure.phase(),
                seed + FILL_SEED);
    Rgb first = figure.colour();
    Rgb second = figure.fillColour();
    canvas[0][pixel] = mix(canvas[0][pixel], mix(first.red(), second.red(), share), coverage);
    canvas[1][pixel] = mix(canvas[1][pixel], mix(first.green(), second.green(), share), coverage);
    canvas[2][pixel] = mix(canvas[2][pixel], mix(first.blue(), second.blue(), share), coverage);
  }

  /** Binomial 1-2-1 in both directions; the edge's pixels are repeated. */
  private void blur(float[] channel) {
    for (int row = 0; row < SIZE; row++) {
      int start = row * SIZE;
      for (int column = 0; column < SIZE; column++) {
        float west = channel[start + Math.max(0, column - 1)];
        float east = channel[start + Math.min(SIZE - 1, column + 1)];
        before[start + column] = (west + 2 * channel[start + column] + east) / 4;
      }
    }
    for (int row = 0; row < SIZE; row++) {
      int north = Math.max(0, row - 1) * SIZE;
      int south = Math.min(SIZE - 1, row + 1) * SIZE;
      for (int column = 0; column < SIZE; column++) {
        channel[row * SIZE + column] =
            (before[north + column] + 2 * before[row * SIZE + column] + before[south + column]) / 4;
      }
    }
  }

  private byte[] develop(Scene.Camera camera, int seed) {
    float contrast = (float) camera.contrast();
    float brightness = (float) camera.brightness();
    float grain = (float) camera.grain();
    float[] light = {camera.light().red(), camera.light().green(), camera.light().blue()};
    byte[] rgb = new byte[3 * PIXELS];
    for (int pixel = 0; pixel < PIXELS; pixel++) {
      for (int channel = 0; channel < 3; channel++) {
        int place = 3 * pixel + channel;
        float value =
            (.5f + (canvas[channel][pixel] - .5f) * contrast + brightness) * light[channel];
        if (grain > 0) {
          value += 2 * grain * bell(seed, place);
        }
        rgb[place] = (byte) (Math.max(0f, Math.min(1f, value)) * 255f + .5f);
      }
    }
    return rgb;
  }

  /** Sum of three uniform numbers, less its mean: standard deviation 1/2, nearly normal. */
  private static float bell(int seed, int place) {
    return Noise.unit(seed * 31 + place)
        + Noise.unit(seed * 37 + 911 + place)
        + Noise.unit(seed * 41 + 1777 + place)
        - 1.5f;
  }

  private static float mix(float first, float second, float share) {
    return first + share * (second - first);
  }

  private static float sine(float radians) {
    return (float) StrictMath.sin(radians);
  }

  private static int clampPixel(double value) {
    return (int) Math.max(0, Math.min(SIZE, value));
  }
}
