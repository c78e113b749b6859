package dev.perennial.server.world;

import dev.perennial.server.world.Scene.Ground;
import java.util.ArrayList;
import java.util.List;

/** The ground behind figures, and its words. */
record Backdrop(Ground ground, Colour first, Colour second) {
  /** Colours other than those taken; plain, or any texture. */
  static Backdrop any(SeededRandom random, boolean textured, List<Colour> taken) {
    Colour first = Colour.other(random, taken);
    List<Colour> used = new ArrayList<>(taken);
    used.add(first);
    Colour second = Colour.other(random, used);
    Texture texture =
        textured ? Texture.ALL.get(1 + random.nextInt(Texture.ALL.size() - 1)) : Texture.PLAIN;
    Ground ground =
        new Ground(
            texture,
            first.shade(random),
            second.shade(random),
            random.uniform(4, 9),
            random.nextDouble(),
            random.normal(0, .1));
    return new Backdrop(ground, first, second);
  }

  /** {@code " on a red and blue checkered background"}, or less of it, or nothing. */
  String mention(SeededRandom random) {
    boolean textured = ground.texture() != Texture.PLAIN;
    double detail = random.nextDouble();
    if (detail < .45) {
      String colours =
          first.word() + (textured && random.chance(.4) ? " and " + second.word() : "");
      return " on a " + colours + (textured ? " " + ground.texture().phrase() : "") + " background";
    }
    return detail < .55 && textured ? " on a " + ground.texture().phrase() + " background" : "";
  }
}
