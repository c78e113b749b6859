package dev.perennial.server.world;

import java.util.List;
import java.util.Locale;

/** The twelve colours that have a name in this world. */
public enum Colour {
  RED(.88, .12, .12),
  GREEN(.13, .65, .2),
  BLUE(.12, .25, .9),
  YELLOW(.95, .9, .15),
  ORANGE(.98, .55, .08),
  PURPLE(.5, .15, .65),
  CYAN(.15, .85, .9),
  PINK(.98, .55, .75),
  BROWN(.48, .28, .12),
  WHITE(.97, .97, .97),
  BLACK(.04, .04, .04),
  GRAY(.5, .5, .5);

  /** All of them, in order. */
  public static final List<Colour> ALL = List.of(values());

  /** How far two pictures' versions of one colour differ in each part. */
  private static final double VARIATION = .06;

  private final Rgb rgb;
  private final String word;

  Colour(double red, double green, double blue) {
    this.rgb = Rgb.of(red, green, blue);
    this.word = name().toLowerCase(Locale.ROOT);
  }

  /** Its name in captions. */
  public String word() {
    return word;
  }

  Rgb rgb() {
    return rgb;
  }

  /** One picture's version of it. */
  Rgb shade(SeededRandom random) {
    return rgb.jittered(random, VARIATION);
  }

  /** Any colour but these. */
  static Colour other(SeededRandom random, List<Colour> taken) {
    Colour colour = random.choose(ALL);
    while (taken.contains(colour)) {
      colour = ALL.get((ALL.indexOf(colour) + 1) % ALL.size());
    }
    return colour;
  }
}
