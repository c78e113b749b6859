package dev.perennial.server.world;

import dev.perennial.server.world.Scene.Camera;
import dev.perennial.server.world.Scene.Ground;
import java.util.List;
import java.util.stream.Stream;

/** Warm bodies before a thermal camera: glowing, blurred, tilted shapes on a dark purple ground. */
final class ThermalDomain implements MiniMtilTask.Domain {
  static final List<Glyph> SHAPES =
      Stream.of("drop", "hourglass", "bolt", "ring", "frame", "oval", "semicircle", "bar")
          .map(Glyph::named)
          .toList();

  private static final double TILT = .5;
  private static final Rgb COLD = Rgb.of(1, .4, .55);
  private static final Rgb WARM = Rgb.of(1, .85, .3);

  @Override
  public Scene scene(SeededRandom random, int classIndex) {
    double cold = random.uniform(.1, .4);
    Ground ground =
        new Ground(
            Texture.GRADIENT,
            Rgb.grey(cold).times(COLD),
            Rgb.grey(cold * 1.3).times(COLD),
            6,
            0,
            random.normal(0, .1));
    Rgb glow = WARM.times(random.uniform(.6, 1));
    Figure body =
        Figure.of(
                SHAPES.get(classIndex),
                16 + random.normal(0, 2),
                16 + random.normal(0, 2),
                random.uniform(6.5, 11),
                glow)
            .turned(random.normal(TILT, .12))
            .slanted(random.normal(0, .1), random.logNormal(0, .12))
            .wobbling(random.uniform(.03, .08), random.uniform(0, 2 * Math.PI));
    if (random.chance(.5)) { // unevenly warm
      body = body.filledWith(Texture.GRADIENT, glow.times(.6), 4);
    }
    Camera camera =
        Camera.CLEAR.withBlur(2 + random.nextInt(3)).withGrain(random.uniform(.02, .08));
    return new Scene(ground, List.of(body), camera, (int) random.nextLong());
  }
}
