package dev.perennial.server.world;

import java.util.List;

/**
 * Everything that is seen in one picture: the ground, the figures on it from back to front, and
 * what the camera does to them. Immutable. Places and lengths are in pixels of a 32 x 32 picture
 * with (0, 0) at the top left; angles in radians, clockwise.
 *
 * @param noiseSeed of the grain and of noisy textures
 */
public record Scene(Ground ground, List<Figure> figures, Camera camera, int noiseSeed) {
  public Scene {
    figures = List.copyOf(figures);
  }

  /** What fills the picture behind the figures: a texture of two colours, turned by an angle. */
  record Ground(Texture texture, Rgb first, Rgb second, double period, double phase, double angle) {
    static Ground plain(Rgb colour) {
      return new Ground(Texture.PLAIN, colour, colour, 8, 0, 0);
    }
  }

  /**
   * What happens after drawing: blurring, then contrast and brightness, then the light's colour,
   * then grain.
   *
   * @param blurPasses how often the 3 x 3 binomial blur runs
   * @param grain strength of the noise; its standard deviation is about this value
   * @param contrast factor around middle grey
   * @param brightness added after contrast
   * @param light factor of each part; grey darkens, a colour tints
   */
  record Camera(int blurPasses, double grain, double contrast, double brightness, Rgb light) {
    static final Camera CLEAR = new Camera(0, 0, 1, 0, Rgb.grey(1));

    Camera withBlur(int passes) {
      return new Camera(passes, grain, contrast, brightness, light);
    }

    Camera withGrain(double strength) {
      return new Camera(blurPasses, strength, contrast, brightness, light);
    }

    Camera withContrast(double factor, double added) {
      return new Camera(blurPasses, grain, factor, added, light);
    }

    Camera withLight(Rgb colour) {
      return new Camera(blurPasses, grain, contrast, brightness, colour);
    }
  }
}
