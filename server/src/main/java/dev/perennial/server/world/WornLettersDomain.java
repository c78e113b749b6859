package dev.perennial.server.world;

import dev.perennial.server.world.Scene.Camera;
import dev.perennial.server.world.Scene.Ground;
import java.util.List;
import java.util.stream.Stream;

/**
 * Worn enamel plates: bluish letters a little lighter or darker than a patterned ground, tilted.
 */
final class WornLettersDomain implements MiniMtilTask.Domain {
  static final List<Glyph> LETTERS =
      Stream.of("a", "b", "c", "e", "f", "h", "k", "l", "m", "p", "r", "s", "t", "x", "y", "z")
          .map(Glyph::named)
          .toList();

  private static final List<Texture> GROUNDS =
      List.of(
          Texture.BRICKS,
          Texture.HORIZONTAL_STRIPES,
          Texture.DIAGONAL_STRIPES,
          Texture.GRID,
          Texture.NOISE);
  private static final double TILT = -.55;

  /** Grounds darker than this carry a lighter letter, others a darker one. */
  private static final double MIDDLE = .42;

  @Override
  public Scene scene(SeededRandom random, int classIndex) {
    double brightness = random.uniform(.25, .6);
    Rgb enamel = Rgb.of(random.uniform(.5, .8), random.uniform(.7, 1), 1);
    Rgb first = Rgb.grey(brightness).times(enamel);
    Ground ground =
        new Ground(
            random.choose(GROUNDS),
            first,
            first.times(random.uniform(.65, .85)),
            random.uniform(4, 9),
            random.nextDouble(),
            random.normal(0, .1));
    double contrast = random.uniform(.28, .4) * (brightness < MIDDLE ? 1 : -1);
    Figure letter =
        Figure.of(
                LETTERS.get(classIndex),
                16 + random.normal(0, 1.5),
                16 + random.normal(0, 1.5),
                random.uniform(7, 12),
                Rgb.grey(brightness + contrast).times(enamel))
            .turned(random.normal(TILT, .12))
            .slanted(random.normal(0, .12), random.logNormal(0, .12))
            .withPen(random.uniform(.6, 1.6), false)
            .wobbling(random.uniform(.02, .08), random.uniform(0, 2 * Math.PI));
    Camera camera =
        Camera.CLEAR
            .withGrain(random.uniform(.03, .09))
            .withLight(Rgb.grey(random.uniform(.6, .9)));
    return new Scene(ground, List.of(letter), camera, (int) random.nextLong());
  }
}
