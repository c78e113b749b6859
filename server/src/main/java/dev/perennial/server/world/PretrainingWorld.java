package dev.perennial.server.world;

import dev.perennial.server.world.CaptionedScene.Kind;
import dev.perennial.server.world.Scene.Camera;
import dev.perennial.server.world.Scene.Ground;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The distribution of captioned scenes that the built-in model learns from: single figures, groups,
 * pairs and bare textures, under all kinds of light, each described as a person might, with more or
 * fewer details. Pairs of colour and shape in {@link HeldOut} never occur, unless asked for.
 * Stateless.
 */
public final class PretrainingWorld {
  /** Number words from zero to {@link #MAX_COUNT}. */
  public static final List<String> NUMBERS =
      List.of("zero", "one", "two", "three", "four", "five", "six");

  /** Most figures of a group. */
  public static final int MAX_COUNT = 6;

  private static final double MIDDLE = Renderer.SIZE / 2.0;

  /** Largest size of each figure of a group, by the group's count. */
  private static final double[] GROUP_SIZES = {0, 9, 6.5, 5.5, 5, 4.6, 4.4};

  private static final int PLACING_TRIES = 30;

  /** Words of a caption; a longer one does without the ground. Short texts are quick to learn. */
  public static final int MAX_WORDS = 15;

  /** A wobble above this looks like handwriting. */
  private static final double VISIBLE_WOBBLE = .02;

  /** An offset from the middle above this, in pixels, can be seen. */
  private static final double VISIBLE_OFFSET = 3;

  private PretrainingWorld() {}

  /**
   * A scene as pre-training shows it.
   *
   * @param easyShare share of large, clear, single figures on plain ground: 1 at the start of the
   *     curriculum, 0 after it
   */
  public static CaptionedScene any(SeededRandom random, double easyShare) {
    if (random.chance(easyShare)) {
      return single(random, new Setting(random, true), anyGlyph(random), false);
    }
    Setting setting = new Setting(random, false);
    double kind = random.nextDouble();
    if (kind < .60) {
      return single(random, setting, anyGlyph(random), false);
    } else if (kind < .73) {
      return group(random, setting);
    } else if (kind < .85) {
      return pair(random, setting);
    }
    return texture(random, setting);
  }

  /** One shape in a colour that pre-training never showed it in. */
  public static CaptionedScene heldOut(SeededRandom random) {
    return single(random, new Setting(random, false), random.choose(Glyph.shapes()), true);
  }

  /** The choices that all kinds of picture share. */
  private static final class Setting {
    final boolean easy;
    final Look look;
    final Camera camera;
    final boolean outlined;
    final boolean textured;

    Setting(SeededRandom random, boolean easy) {
      this.easy = easy;
      this.look = easy ? Look.CLEAR : Look.any(random);
      this.camera = look.camera(random);
      this.outlined = !easy && random.chance(.15);
      this.textured = !easy && random.chance(.45);
    }
  }

  private static CaptionedScene single(
      SeededRandom random, Setting setting, Glyph glyph, boolean heldOut) {
    boolean shape = glyph.family() == Glyph.Family.SHAPE;
    Colour colour = heldOut ? random.choose(HeldOut.coloursOf(glyph)) : colourFor(random, glyph);
    Backdrop backdrop = Backdrop.any(random, setting.textured, List.of(colour));
    double bigness = setting.easy ? random.uniform(.45, 1) : random.nextDouble();
    double size = 4 + 9 * bigness;
    Position position = random.choose(Position.ALL);
    double room = Math.max(0, 15 - size) * .85;
    double offset = !setting.easy && random.chance(.45) ? room : 0;
    boolean unsteady = random.chance(.4);
    double wobble = unsteady ? random.uniform(0, .06) : 0;
    double pen = random.uniform(.8, 1.8);
    Figure figure =
        Figure.of(
                glyph,
                MIDDLE + position.right() * offset + random.normal(0, .8),
                MIDDLE + position.down() * offset + random.normal(0, .8),
                size,
                colour.shade(random))
            .turned(random.normal(0, .15))
            .slanted(random.normal(0, .1), random.logNormal(0, .12))
            .withPen(Math.max(pen, pen * size / 9), setting.outlined)
            .wobbling(wobble, random.uniform(0, 2 * Math.PI));
    String fill = "";
    if (shape && !setting.easy && !setting.outlined && random.chance(.15)) {
      Texture texture = random.choose(Texture.FILLS);
      List<Colour> taken =
          Stream.concat(Stream.of(colour), HeldOut.coloursOf(glyph).stream()).toList();
      figure =
          figure.filledWith(
              texture, Colour.other(random, taken).shade(random), random.uniform(3, 5));
      fill = texture.phrase() + " ";
    }
    String opening = opening(random, setting, shape);
    String hand = hand(random, shape, wobble);
    String thing;
    if (random.chance(.06)) {
      thing = hand + colour.word() + " " + fill + "thing";
    } else {
      thing = hand + sizeWord(random, bigness) + maybe(random, colour) + fill + glyph.noun();
    }
    String subject =
        !opening.isEmpty() || random.chance(.5) ? Phrases.withLooseArticle(random, thing) : thing;
    String place =
        offset > VISIBLE_OFFSET && random.chance(.5) ? " at the " + position.phrase() : "";
    String caption = withGround(random, opening + subject + place, backdrop);
    return scene(random, setting, backdrop, List.of(figure), caption, Kind.SINGLE, colour, glyph);
  }

  private static CaptionedScene group(SeededRandom random, Setting setting) {
    Glyph glyph = anyGlyph(random);
    Colour colour = colourFor(random, glyph);
    Backdrop backdrop = Backdrop.any(random, setting.textured, List.of(colour));
    int count = 1 + random.nextInt(MAX_COUNT);
    double size = GROUP_SIZES[count] * random.uniform(.62, .92);
    double pen = .8 * random.uniform(.8, 1.8);
    List<Figure> figures = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      figures.add(
          apart(random, figures, Figure.of(glyph, 0, 0, size, colour.shade(random)))
              .turned(random.normal(0, .15))
              .withPen(pen, setting.outlined));
    }
    String noun =
        random.chance(.3)
            ? (count == 1 ? "thing" : "objects")
            : (count == 1 ? glyph.noun() : glyph.pluralNoun());
    String caption =
        opening(random, setting, glyph.family() == Glyph.Family.SHAPE)
            + NUMBERS.get(count)
            + " "
            + maybe(random, colour)
            + noun;
    return scene(
        random,
        setting,
        backdrop,
        figures,
        withGround(random, caption, backdrop),
        Kind.GROUP,
        colour,
        glyph);
  }

  /** The figure at a place where it touches no other, if one is found. */
  private static Figure apart(SeededRandom random, List<Figure> others, Figure figure) {
    double size = figure.size();
    double x = MIDDLE;
    double y = MIDDLE;
    for (int i = 0; i < PLACING_TRIES; i++) {
      x = random.uniform(size + .5, Renderer.SIZE - .5 - size);
      y = random.uniform(size + .5, Renderer.SIZE - .5 - size);
      double placeX = x;
      double placeY = y;
      if (others.stream().allMatch(other -> other.isFartherThan(2 * size, placeX, placeY))) {
        break;
      }
    }
    return figure.at(x, y);
  }

  private static CaptionedScene pair(SeededRandom random, Setting setting) {
    Glyph first = anyGlyph(random);
    Glyph second = anyGlyph(random);
    Colour firstColour = colourFor(random, first);
    List<Colour> taken =
        Stream.concat(Stream.of(firstColour), HeldOut.coloursOf(second).stream()).toList();
    Colour secondColour = Colour.other(random, taken);
    Backdrop backdrop = Backdrop.any(random, setting.textured, List.of(firstColour, secondColour));
    boolean stacked = random.chance(.5);
    double size = random.uniform(4.5, 6.5);
    double distance = 7.2 + random.normal(0, .4);
    double dx = stacked ? 0 : distance;
    double dy = stacked ? distance : 0;
    double pen = .9 * random.uniform(.8, 1.8);
    Figure one =
        Figure.of(first, MIDDLE - dx, MIDDLE - dy, size, firstColour.shade(random))
            .turned(random.normal(0, .15))
            .withPen(pen, setting.outlined);
    Figure two =
        Figure.of(second, MIDDLE + dx, MIDDLE + dy, size, secondColour.shade(random))
            .turned(random.normal(0, .15))
            .withPen(pen, setting.outlined);
    String a = Phrases.withLooseArticle(random, maybe(random, firstColour) + first.noun());
    String b = Phrases.withLooseArticle(random, maybe(random, secondColour) + second.noun());
    double form = random.nextDouble();
    String relation;
    if (form < .5) {
      relation = a + (stacked ? " above " : " left of ") + b;
    } else if (form < .75) {
      relation = b + (stacked ? " below " : " right of ") + a;
    } else {
      relation = a + " and " + b;
    }
    String caption =
        withGround(
            random,
            opening(random, setting, first.family() == Glyph.Family.SHAPE) + relation,
            backdrop);
    return scene(
        random, setting, backdrop, List.of(one, two), caption, Kind.PAIR, firstColour, first);
  }

  private static CaptionedScene texture(SeededRandom random, Setting setting) {
    Texture texture = random.choose(Texture.ALL);
    Colour first = random.choose(Colour.ALL);
    Colour second = Colour.other(random, List.of(first));
    Ground ground =
        new Ground(
            texture,
            first.shade(random),
            second.shade(random),
            random.uniform(3.5, 10.5),
            random.nextDouble(),
            random.normal(0, .12));
    String colours = "";
    if (random.chance(texture == Texture.PLAIN ? .8 : .6)) {
      colours = first.word() + (texture == Texture.PLAIN ? "" : " and " + second.word()) + " ";
    }
    String words = colours + texture.phrase();
    String look = setting.look.adjective();
    String caption =
        switch (random.nextInt(4)) {
          case 0 -> "a " + look + "photo of a " + words + " texture";
          case 1 -> "a " + look + "picture of a " + words + " pattern";
          case 2 -> Phrases.article(look + "image") + look + "image of " + words;
          default -> words;
        };
    Scene scene = new Scene(ground, List.of(), setting.camera, (int) random.nextLong());
    return new CaptionedScene(scene, caption, Kind.TEXTURE, first, null, texture, 0);
  }

  private static CaptionedScene scene(
      SeededRandom random,
      Setting setting,
      Backdrop backdrop,
      List<Figure> figures,
      String caption,
      Kind kind,
      Colour colour,
      Glyph glyph) {
    Scene scene = new Scene(backdrop.ground(), figures, setting.camera, (int) random.nextLong());
    return new CaptionedScene(
        scene, caption, kind, colour, glyph, backdrop.ground().texture(), figures.size());
  }

  private static String withGround(SeededRandom random, String caption, Backdrop backdrop) {
    String whole = caption + backdrop.mention(random);
    return Phrases.split(whole).size() > MAX_WORDS ? caption : whole;
  }

  private static Glyph anyGlyph(SeededRandom random) {
    double family = random.nextDouble();
    if (family < .58) {
      return random.choose(Glyph.shapes());
    }
    return random.choose(family < .78 ? Glyph.digits() : Glyph.letters());
  }

  private static Colour colourFor(SeededRandom random, Glyph glyph) {
    return Colour.other(random, HeldOut.coloursOf(glyph));
  }

  /** {@code "a blurry photo of "}, or nothing. */
  private static String opening(SeededRandom random, Setting setting, boolean shape) {
    String medium =
        setting.outlined && shape && random.chance(.8)
            ? random.choose(Phrases.LINE_MEDIA)
            : random.choose(Phrases.MEDIA);
    String words = setting.look.adjective() + medium;
    return random.chance(.85) ? Phrases.article(words) + words + " of " : "";
  }

  private static String hand(SeededRandom random, boolean shape, double wobble) {
    if (shape) {
      return "";
    }
    if (wobble > VISIBLE_WOBBLE && random.chance(.6)) {
      return "handwritten ";
    }
    return wobble <= VISIBLE_WOBBLE && random.chance(.2) ? "printed " : "";
  }

  private static String sizeWord(SeededRandom random, double bigness) {
    if (random.chance(.6)) {
      return "";
    }
    return bigness < .25 ? "small " : bigness > .75 ? "large " : "";
  }

  private static String maybe(SeededRandom random, Colour colour) {
    return random.chance(.7) ? colour.word() + " " : "";
  }
}
