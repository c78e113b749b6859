package dev.perennial.server.world;

import dev.perennial.server.world.Scene.Camera;
import dev.perennial.server.world.Scene.Ground;
import java.util.List;

/** Close-ups of materials: grey and earthy textures of low contrast, all turned the same way. */
final class MaterialDomain implements MiniMtilTask.Domain {
  static final List<Texture> TEXTURES =
      Texture.ALL.stream().filter(texture -> texture != Texture.PLAIN).toList();

  private static final double TURN = .28;

  @Override
  public Scene scene(SeededRandom random, int classIndex) {
    double first = random.uniform(.2, .75);
    double step = random.uniform(.12, .4) * (random.chance(.5) ? 1 : -1);
    Rgb earth = Rgb.of(1, random.uniform(.8, 1), random.uniform(.6, 1));
    Ground ground =
        new Ground(
            TEXTURES.get(classIndex),
            Rgb.grey(first).times(earth),
            Rgb.grey(first + step).times(earth),
            random.uniform(2.8, 10),
            random.nextDouble(),
            random.normal(TURN, .1));
    Camera camera = Camera.CLEAR.withBlur(random.nextInt(2)).withGrain(random.uniform(.03, .11));
    return new Scene(ground, List.of(), camera, (int) random.nextLong());
  }
}
