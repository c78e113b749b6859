package dev.perennial.server.world;

import dev.perennial.server.world.Scene.Camera;
import dev.perennial.server.world.Scene.Ground;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;

/** One to six small things of mixed shapes, sizes and colours, anywhere on an uneven ground. */
final class CountingDomain implements MiniMtilTask.Domain {
  private static final List<Colour> GROUNDS =
      List.of(Colour.YELLOW, Colour.WHITE, Colour.BLACK, Colour.GRAY, Colour.BROWN);
  private static final List<Texture> TEXTURES =
      List.of(Texture.PLAIN, Texture.PLAIN, Texture.GRADIENT, Texture.NOISE);
  private static final List<Colour> THINGS = List.copyOf(EnumSet.range(Colour.RED, Colour.PINK));

  /** Things differ at least so much from the ground. */
  private static final double MIN_COLOUR_DISTANCE = .8;

  private static final int PLACING_TRIES = 60;

  @Override
  public Scene scene(SeededRandom random, int classIndex) {
    Colour groundColour = random.choose(GROUNDS);
    Rgb first = groundColour.rgb().jittered(random, .1);
    Ground ground =
        new Ground(random.choose(TEXTURES), first, first.times(.8), 6, 0, random.normal(0, .1));
    List<Figure> things = new ArrayList<>();
    while (things.size() <= classIndex) {
      things.add(thing(random, groundColour, things));
    }
    Camera camera = Camera.CLEAR.withGrain(random.uniform(0, .06));
    return new Scene(ground, things, camera, (int) random.nextLong());
  }

  private static Figure thing(SeededRandom random, Colour ground, List<Figure> others) {
    Colour colour = random.choose(THINGS);
    while (colour.rgb().distance(ground.rgb()) <= MIN_COLOUR_DISTANCE) {
      colour = random.choose(THINGS);
    }
    double size = random.uniform(3, 5);
    Figure thing =
        Figure.of(random.choose(Glyph.shapes()), 0, 0, size, colour.shade(random))
            .turned(random.normal(0, .5))
            .withPen(.9, random.chance(.2));
    Figure placed = thing;
    for (int i = 0; i < PLACING_TRIES; i++) {
      double x = random.uniform(4, 28);
      double y = random.uniform(4, 28);
      placed = thing.at(x, y);
      if (others.stream()
          .allMatch(other -> other.isFartherThan(1.05 * (size + other.size()), x, y))) {
        break;
      }
    }
    return placed;
  }
}
