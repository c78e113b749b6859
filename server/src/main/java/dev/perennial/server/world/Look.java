package dev.perennial.server.world;

import dev.perennial.server.world.Scene.Camera;
import java.util.List;

/** How a picture of the pre-training world was taken, and the adjective that says so. */
enum Look {
  CLEAR("", .53),
  BLURRY("blurry ", .12),
  NOISY("noisy ", .10),
  DARK("dark ", .10),
  FADED("faded ", .08),
  TINTED("", .07);

  static final List<Look> ALL = List.of(values());

  /** Grain of pictures that are not called noisy is at most this. */
  private static final double UNNOTICED_GRAIN = .03;

  private final String adjective;
  private final double share;

  Look(String adjective, double share) {
    this.adjective = adjective;
    this.share = share;
  }

  /** Empty, or a word and a space. */
  String adjective() {
    return adjective;
  }

  static Look any(SeededRandom random) {
    double place = random.nextDouble();
    for (Look look : ALL) {
      place -= look.share;
      if (place < 0) {
        return look;
      }
    }
    return CLEAR;
  }

  Camera camera(SeededRandom random) {
    Camera camera = Camera.CLEAR.withGrain(random.uniform(0, UNNOTICED_GRAIN));
    return switch (this) {
      case CLEAR -> camera;
      case BLURRY -> camera.withBlur(1 + random.nextInt(2));
      case NOISY -> camera.withGrain(random.uniform(.08, .22));
      case DARK -> camera.withLight(Rgb.grey(random.uniform(.3, .6)));
      case FADED -> camera.withContrast(random.uniform(.35, .65), .15);
      case TINTED ->
          camera.withLight(
              Rgb.of(random.uniform(.75, 1), random.uniform(.75, 1), random.uniform(.75, 1)));
    };
  }
}
