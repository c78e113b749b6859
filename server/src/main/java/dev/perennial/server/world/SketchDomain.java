package dev.perennial.server.world;

import dev.perennial.server.world.Scene.Camera;
import dev.perennial.server.world.Scene.Ground;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Pencil outlines on rough paper, by an unsteady hand, all tilted and leaning the same way. */
final class SketchDomain implements MiniMtilTask.Domain {
  static final List<Glyph> SHAPES =
      Stream.of(
              "circle",
              "square",
              "triangle",
              "diamond",
              "star",
              "pentagon",
              "hexagon",
              "cross",
              "heart",
              "crescent",
              "arrow",
              "house")
          .map(Glyph::named)
          .toList();

  private static final double TILT = .3;
  private static final double LEAN = .25;
  private static final double WIDENING = .15;

  @Override
  public Scene scene(SeededRandom random, int classIndex) {
    double brightness = random.uniform(.72, .95);
    Rgb paper = Rgb.of(brightness, brightness * .97, brightness * .88);
    Ground ground =
        new Ground(
            random.chance(.5) ? Texture.NOISE : Texture.PLAIN,
            paper,
            paper.times(.93),
            6,
            0,
            random.normal(0, .1));
    Rgb graphite = Rgb.grey(random.uniform(.15, .45));
    double x = 16 + random.normal(0, 1.5);
    double y = 16 + random.normal(0, 1.5);
    double size = random.uniform(6.5, 12);
    double turn = random.normal(TILT, .15);
    double lean = random.normal(LEAN, .1);
    double aspect = random.logNormal(WIDENING, .1);
    Glyph shape = SHAPES.get(classIndex);
    List<Figure> strokes = new ArrayList<>();
    strokes.add(
        unsteady(
            random,
            Figure.of(shape, x, y, size, graphite)
                .turned(turn)
                .slanted(lean, aspect)
                .withPen(random.uniform(.35, .8), true)));
    if (random.chance(.6)) { // the pencil went around twice
      strokes.add(
          unsteady(
              random,
              Figure.of(
                      shape,
                      x + random.normal(0, .6),
                      y + random.normal(0, .6),
                      size * random.uniform(.9, 1.08),
                      graphite)
                  .turned(turn + random.normal(0, .06))
                  .slanted(lean, aspect)
                  .withPen(.35, true)));
    }
    Camera camera = Camera.CLEAR.withGrain(random.uniform(.03, .08));
    return new Scene(ground, strokes, camera, (int) random.nextLong());
  }

  private static Figure unsteady(SeededRandom random, Figure figure) {
    return figure.wobbling(random.uniform(.02, .07), random.uniform(0, 2 * Math.PI));
  }
}
