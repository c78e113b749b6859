package dev.perennial.server.world;

import dev.perennial.server.world.Scene.Camera;
import dev.perennial.server.world.Scene.Ground;
import java.util.List;

/** Coloured signs on poles at night: everything is seen in the orange light of sodium lamps. */
final class SignsDomain implements MiniMtilTask.Domain {
  /** What a sign shows. */
  record Sign(Colour colour, Glyph shape) {
    String className() {
      return colour.word() + " " + shape.name();
    }
  }

  static final List<Sign> SIGNS =
      List.of(
          sign(Colour.RED, "circle"),
          sign(Colour.RED, "triangle"),
          sign(Colour.BLUE, "circle"),
          sign(Colour.BLUE, "square"),
          sign(Colour.GREEN, "arrow"),
          sign(Colour.GREEN, "cross"),
          sign(Colour.YELLOW, "diamond"),
          sign(Colour.YELLOW, "triangle"),
          sign(Colour.WHITE, "arrow"),
          sign(Colour.WHITE, "bar"),
          sign(Colour.ORANGE, "star"),
          sign(Colour.PURPLE, "heart"));

  private static final List<Texture> GROUNDS =
      List.of(Texture.GRADIENT, Texture.BRICKS, Texture.NOISE);
  private static final List<String> PLATES = List.of("square", "circle");
  private static final double SODIUM_GREEN = .62;
  private static final double SODIUM_BLUE = .28;
  private static final double PLATE_SIZE = 1.55;

  @Override
  public Scene scene(SeededRandom random, int classIndex) {
    Sign sign = SIGNS.get(classIndex);
    Rgb wall = Rgb.grey(random.uniform(.3, .55));
    Ground ground =
        new Ground(
            random.choose(GROUNDS),
            wall,
            wall.times(random.uniform(.6, .85)),
            random.uniform(4, 9),
            random.nextDouble(),
            random.normal(0, .1));
    double size = random.uniform(5, 8.5);
    double x = 16 + random.normal(0, 2.5);
    double y = 15 + random.normal(0, 2);
    double turn = random.normal(0, .15);
    Figure pole = Figure.of(Glyph.named("bar"), x, y + 9, 10, Rgb.grey(.35)).turned(Math.PI / 2);
    Figure plate =
        Figure.of(
                Glyph.named(random.choose(PLATES)),
                x,
                y,
                size * PLATE_SIZE,
                Rgb.grey(sign.colour() == Colour.WHITE ? .15 : .85))
            .turned(turn);
    Figure shape =
        Figure.of(sign.shape(), x, y, size, sign.colour().rgb().jittered(random, .08)).turned(turn);
    double night = random.uniform(.5, 1.3);
    Rgb sodium = Rgb.of(1, StrictMath.pow(SODIUM_GREEN, night), StrictMath.pow(SODIUM_BLUE, night));
    Camera camera =
        Camera.CLEAR
            .withBlur(random.nextInt(2))
            .withGrain(random.uniform(.02, .08))
            .withLight(sodium.times(random.uniform(.55, .95)));
    return new Scene(ground, List.of(pole, plate, shape), camera, (int) random.nextLong());
  }

  private static Sign sign(Colour colour, String shape) {
    return new Sign(colour, Glyph.named(shape));
  }
}
