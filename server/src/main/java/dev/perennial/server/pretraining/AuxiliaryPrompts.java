package dev.perennial.server.pretraining;

import dev.perennial.server.clip.ContrastiveTraining.AuxiliaryTask;
import dev.perennial.server.world.CaptionedScene;
import dev.perennial.server.world.CaptionedScene.Kind;
import dev.perennial.server.world.Colour;
import dev.perennial.server.world.Glyph;
import dev.perennial.server.world.Phrases;
import dev.perennial.server.world.PretrainingWorld;
import dev.perennial.server.world.SeededRandom;
import dev.perennial.server.world.Texture;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The prompts that pre-training classifies against beside the captions of the batch: every noun,
 * colour, count and texture. A batch of 256 captions seldom holds all of them; the prompts always
 * do, and that teaches the names much faster. Stateless.
 */
final class AuxiliaryPrompts {
  /** Share of the auxiliary losses in the whole. */
  private static final float WEIGHT = .5f;

  private static final float COLOUR_WEIGHT = .5f;
  private static final float COUNT_WEIGHT = 2;
  private static final float TEXTURE_WEIGHT = 2;

  private static final List<String> OPENINGS =
      List.of(
          "a photo of ",
          "a picture of ",
          "an image of ",
          "",
          "a blurry photo of ",
          "a sketch of ",
          "a noisy photo of ");
  private static final List<String> TEXTURE_TEMPLATES =
      List.of("a photo of a {} texture", "a photo of a {} pattern", "{}");

  private static final int NOUNS = Glyph.all().size();
  private static final int COLOURS = Colour.ALL.size();
  private static final int COUNTS = PretrainingWorld.MAX_COUNT;
  private static final int TEXTURES = Texture.ALL.size();

  private AuxiliaryPrompts() {}

  /** Nouns, colours, counts and textures, all with the same random opening. */
  static List<String> texts(SeededRandom random) {
    String opening = random.choose(OPENINGS);
    String template = random.choose(TEXTURE_TEMPLATES);
    return Stream.of(
            Glyph.all().stream().map(glyph -> opening + "a " + glyph.noun()),
            Colour.ALL.stream().map(colour -> opening + "a " + colour.word() + " thing"),
            IntStream.rangeClosed(1, COUNTS).mapToObj(count -> opening + Phrases.count(count)),
            Texture.ALL.stream().map(texture -> template.replace("{}", texture.phrase())))
        .flatMap(texts -> texts)
        .toList();
  }

  /** What each scene of a batch should be classified as. */
  static List<AuxiliaryTask> tasks(List<CaptionedScene> scenes) {
    Predicate<CaptionedScene> figure =
        scene -> scene.kind() == Kind.SINGLE || scene.kind() == Kind.GROUP;
    Predicate<CaptionedScene> group = scene -> scene.kind() == Kind.GROUP;
    Predicate<CaptionedScene> texture = scene -> scene.kind() == Kind.TEXTURE;
    float groups = share(scenes, group);
    float textures = share(scenes, texture);
    return List.of(
        task(scenes, figure, AuxiliaryPrompts::noun, 0, NOUNS, WEIGHT),
        task(
            scenes,
            figure,
            scene -> Colour.ALL.indexOf(scene.colour()),
            NOUNS,
            COLOURS,
            WEIGHT * COLOUR_WEIGHT),
        task(
            scenes,
            group,
            scene -> scene.count() - 1,
            NOUNS + COLOURS,
            COUNTS,
            WEIGHT * COUNT_WEIGHT * groups),
        task(
            scenes,
            texture,
            scene -> Texture.ALL.indexOf(scene.texture()),
            NOUNS + COLOURS + COUNTS,
            TEXTURES,
            WEIGHT * TEXTURE_WEIGHT * textures));
  }

  private static int noun(CaptionedScene scene) {
    Glyph glyph = scene.glyph();
    return glyph == null ? -1 : glyph.index();
  }

  private static float share(List<CaptionedScene> scenes, Predicate<CaptionedScene> chosen) {
    return (float) scenes.stream().filter(chosen).count() / scenes.size();
  }

  private static AuxiliaryTask task(
      List<CaptionedScene> scenes,
      Predicate<CaptionedScene> chosen,
      ToIntFunction<CaptionedScene> target,
      int firstPrompt,
      int promptCount,
      float weight) {
    List<Integer> images = new ArrayList<>();
    List<Integer> targets = new ArrayList<>();
    for (int i = 0; i < scenes.size(); i++) {
      if (chosen.test(scenes.get(i))) {
        images.add(i);
        targets.add(target.applyAsInt(scenes.get(i)));
      }
    }
    return new AuxiliaryTask(firstPrompt, promptCount, array(images), array(targets), weight);
  }

  private static int[] array(List<Integer> values) {
    return values.stream().mapToInt(Integer::intValue).toArray();
  }
}
