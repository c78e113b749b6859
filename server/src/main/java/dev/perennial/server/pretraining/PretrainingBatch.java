package dev.perennial.server.pretraining;

import dev.perennial.server.clip.ContrastiveTraining.AuxiliaryTask;
import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.CaptionedScene;
import dev.perennial.server.world.PretrainingWorld;
import dev.perennial.server.world.Renderer;
import dev.perennial.server.world.SeededRandom;
import java.util.ArrayList;
import java.util.List;

/**
 * What one step of pre-training learns from.
 *
 * @param pixels (B, 3, S, S), normalised
 * @param captions token ids per image
 * @param prompts token ids of the auxiliary prompts
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record PretrainingBatch(
    float[] pixels, List<int[]> captions, List<int[]> prompts, List<AuxiliaryTask> auxiliary) {
  /** Which random numbers are for what; evaluation draws from others than training. */
  static final long TRAINING_STREAM = 0;

  private static final long PROMPT_STREAM = 1;

  /** Share of words that are spelled in pieces. */
  private static final double PIECES_SHARE = .015;

  /** The same arguments always give the same batch. */
  static PretrainingBatch of(
      Vocabulary vocabulary, long seed, int step, int size, double easyShare) {
    Renderer renderer = new Renderer();
    List<CaptionedScene> scenes = new ArrayList<>();
    List<int[]> captions = new ArrayList<>();
    List<RgbImage> images = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      SeededRandom random = SeededRandom.of(seed, TRAINING_STREAM, step, i);
      CaptionedScene scene = PretrainingWorld.any(random, easyShare);
      scenes.add(scene);
      captions.add(vocabulary.encode(scene.caption(), random, PIECES_SHARE));
      images.add(renderer.render(scene.scene()));
    }
    SeededRandom random = SeededRandom.of(seed, PROMPT_STREAM, step);
    List<int[]> prompts =
        AuxiliaryPrompts.texts(random).stream()
            .map(prompt -> vocabulary.encode(prompt, random, PIECES_SHARE))
            .toList();
    return new PretrainingBatch(
        TinyClip.pixels(images), captions, prompts, AuxiliaryPrompts.tasks(scenes));
  }
}
