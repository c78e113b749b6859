package dev.perennial.server.world;

import dev.perennial.server.world.Scene.Camera;
import dev.perennial.server.world.Scene.Ground;
import java.util.List;

/** White pen strokes on black: narrow digits that all lean far to the right, quickly written. */
final class PenDigitsDomain implements MiniMtilTask.Domain {
  private static final double TILT = .1;
  private static final double LEAN = -.55;
  private static final double NARROWING = -.15;

  @Override
  public Scene scene(SeededRandom random, int classIndex) {
    Ground ground = Ground.plain(Rgb.grey(random.uniform(0, .08)));
    Figure digit =
        Figure.of(
                Glyph.digits().get(classIndex),
                16 + random.normal(0, 1),
                16 + random.normal(0, 1),
                random.uniform(8, 11.5),
                Rgb.grey(random.uniform(.75, 1)))
            .turned(random.normal(TILT, .12))
            .slanted(random.normal(LEAN, .15), random.logNormal(NARROWING, .12))
            .withPen(random.uniform(.7, 2.3), false)
            .wobbling(random.uniform(.08, .18), random.uniform(0, 2 * Math.PI));
    Camera camera = Camera.CLEAR.withBlur(random.nextInt(2));
    return new Scene(ground, List.of(digit), camera, (int) random.nextLong());
  }
}
