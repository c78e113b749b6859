package dev.perennial.server.world;

import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Seven tasks of the procedural world, each with a systematic shift that pre-training did not show:
 * a small twin of MTIL (Zheng et al. 2023, ZSCL), the field's protocol for continual learning of
 * CLIP. 75 classes. The order of the tasks is the order in which they are taught.
 */
public final class MiniMtil {
  /** Pictures of each class to train on, in the protocol. */
  public static final int TRAIN_PER_CLASS = 50;

  /** Pictures of each class to test on, in the protocol. */
  public static final int TEST_PER_CLASS = 30;

  /** The seed of the published figures. */
  public static final long SEED = 1;

  private static final List<MiniMtilTask> TASKS =
      List.of(
          new MiniMtilTask(
              0, "sketch", "a sketch of a {}", names(SketchDomain.SHAPES), new SketchDomain()),
          new MiniMtilTask(
              1, "digits", "a handwritten digit {}", names(Glyph.digits()), new PenDigitsDomain()),
          new MiniMtilTask(
              2,
              "textures",
              "a photo of {} texture",
              MaterialDomain.TEXTURES.stream().map(Texture::phrase).toList(),
              new MaterialDomain()),
          new MiniMtilTask(3, "counting", "a photo of {}", counts(), new CountingDomain()),
          new MiniMtilTask(
              4,
              "letters",
              "a photo of a letter {}",
              names(WornLettersDomain.LETTERS),
              new WornLettersDomain()),
          new MiniMtilTask(
              5,
              "signs",
              "a photo of a {}",
              SignsDomain.SIGNS.stream().map(SignsDomain.Sign::className).toList(),
              new SignsDomain()),
          new MiniMtilTask(
              6,
              "thermal",
              "a blurry photo of a {}",
              names(ThermalDomain.SHAPES),
              new ThermalDomain()));

  private MiniMtil() {}

  /** In the order in which they are taught. */
  public static List<MiniMtilTask> tasks() {
    return TASKS;
  }

  /** The task of this name. */
  public static MiniMtilTask task(String name) {
    return TASKS.stream()
        .filter(task -> task.name().equals(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "mini-MTIL task: " + name + " (expected: one of " + TASKS + ")"));
  }

  private static List<String> names(List<Glyph> glyphs) {
    return glyphs.stream().map(Glyph::name).toList();
  }

  private static List<String> counts() {
    return IntStream.rangeClosed(1, PretrainingWorld.MAX_COUNT).mapToObj(Phrases::count).toList();
  }
}
