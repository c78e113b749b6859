package dev.perennial.server.pretraining;

import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.CaptionedScene;
import dev.perennial.server.world.CaptionedScene.Kind;
import dev.perennial.server.world.Colour;
import dev.perennial.server.world.Glyph;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import dev.perennial.server.world.PretrainingWorld;
import dev.perennial.server.world.Renderer;
import dev.perennial.server.world.SeededRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;

/**
 * What a model can do without being taught, in percent.
 *
 * @param retrieval how often the nearest of 512 captions is the picture's own
 * @param heldOutPair colour and shape right, of all 240 pairs, on pairs never seen in pre-training
 * @param heldOutShape shape right on the same pictures and captions
 * @param heldOutColour colour right on the same
 * @param seenPair colour and shape right on pairs that pre-training shows
 * @param miniMtil accuracy on each task's test pictures with its own template, in the tasks' order
 */
public record ZeroShotReport(
    double retrieval,
    double heldOutPair,
    double heldOutShape,
    double heldOutColour,
    double seenPair,
    Map<String, Double> miniMtil) {
  private static final int RETRIEVAL_PICTURES = 512;
  private static final int PAIR_PICTURES = 600;
  private static final int BATCH = 256;
  private static final long SEED = 12345;

  /** Which random numbers; pre-training draws from streams 0 and 1 of its own seed. */
  private static final long RETRIEVAL_STREAM = 2;

  private static final long HELD_OUT_STREAM = 3;
  private static final long SEEN_STREAM = 4;

  /** Mean over the tasks. */
  public double miniMtilMean() {
    return miniMtil.values().stream().mapToDouble(Double::doubleValue).average().orElse(0);
  }

  static ZeroShotReport of(Encoders encoders) {
    Pairs heldOut = pairs(encoders, HELD_OUT_STREAM, true);
    Pairs seen = pairs(encoders, SEEN_STREAM, false);
    Map<String, Double> tasks = new LinkedHashMap<>();
    for (MiniMtilTask task : MiniMtil.tasks()) {
      tasks.put(task.name(), accuracy(encoders, task));
    }
    return new ZeroShotReport(
        retrieval(encoders), heldOut.pair, heldOut.shape, heldOut.colour, seen.pair, tasks);
  }

  private record Pairs(double pair, double shape, double colour) {}

  private static double retrieval(Encoders encoders) {
    List<CaptionedScene> scenes = scenes(RETRIEVAL_STREAM, RETRIEVAL_PICTURES, scene -> true);
    float[] texts = encoders.textFeatures(scenes.stream().map(CaptionedScene::caption).toList());
    int[] nearest = nearest(imageFeatures(encoders, render(scenes)), texts, scenes.size());
    int right = 0;
    for (int i = 0; i < nearest.length; i++) {
      right += nearest[i] == i ? 1 : 0;
    }
    return percent(right, nearest.length);
  }

  private static Pairs pairs(Encoders encoders, long stream, boolean heldOut) {
    List<CaptionedScene> scenes = new ArrayList<>();
    if (heldOut) {
      for (int i = 0; i < PAIR_PICTURES; i++) {
        scenes.add(PretrainingWorld.heldOut(SeededRandom.of(SEED, stream, i)));
      }
    } else {
      scenes = scenes(stream, PAIR_PICTURES, ZeroShotReport::isSingleShape);
    }
    List<String> captions = new ArrayList<>();
    int shapes = Glyph.shapes().size();
    for (Colour colour : Colour.ALL) {
      for (Glyph shape : Glyph.shapes()) {
        captions.add("a photo of a " + colour.word() + " " + shape.noun());
      }
    }
    float[] texts = encoders.textFeatures(captions);
    int[] nearest = nearest(imageFeatures(encoders, render(scenes)), texts, captions.size());
    int pair = 0;
    int shape = 0;
    int colour = 0;
    for (int i = 0; i < nearest.length; i++) {
      boolean shapeRight = Glyph.shapes().get(nearest[i] % shapes) == scenes.get(i).glyph();
      boolean colourRight = Colour.ALL.get(nearest[i] / shapes) == scenes.get(i).colour();
      pair += shapeRight && colourRight ? 1 : 0;
      shape += shapeRight ? 1 : 0;
      colour += colourRight ? 1 : 0;
    }
    return new Pairs(
        percent(pair, nearest.length),
        percent(shape, nearest.length),
        percent(colour, nearest.length));
  }

  private static double accuracy(Encoders encoders, MiniMtilTask task) {
    List<LabelledImage> images =
        task.images(MiniMtilTask.Split.TEST, MiniMtil.TEST_PER_CLASS, MiniMtil.SEED);
    float[] features = imageFeatures(encoders, images.stream().map(LabelledImage::image).toList());
    float[] texts = encoders.textFeatures(task.captions());
    int[] nearest = nearest(features, texts, task.classNames().size());
    int right = 0;
    for (int i = 0; i < nearest.length; i++) {
      right += nearest[i] == images.get(i).classIndex() ? 1 : 0;
    }
    return percent(right, nearest.length);
  }

  private static boolean isSingleShape(CaptionedScene scene) {
    Glyph glyph = scene.glyph();
    return scene.kind() == Kind.SINGLE && glyph != null && glyph.family() == Glyph.Family.SHAPE;
  }

  private static List<CaptionedScene> scenes(
      long stream, int count, Predicate<CaptionedScene> wanted) {
    List<CaptionedScene> scenes = new ArrayList<>();
    for (int i = 0; scenes.size() < count; i++) {
      CaptionedScene scene = PretrainingWorld.any(SeededRandom.of(SEED, stream, i), 0);
      if (wanted.test(scene)) {
        scenes.add(scene);
      }
    }
    return scenes;
  }

  private static List<RgbImage> render(List<CaptionedScene> scenes) {
    Renderer renderer = new Renderer();
    return scenes.stream().map(scene -> renderer.render(scene.scene())).toList();
  }

  private static float[] imageFeatures(Encoders encoders, List<RgbImage> images) {
    List<float[]> parts = new ArrayList<>();
    for (int start = 0; start < images.size(); start += BATCH) {
      int end = Math.min(images.size(), start + BATCH);
      parts.add(encoders.imageFeatures(images.subList(start, end)));
    }
    float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
    int place = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, place, part.length);
      place += part.length;
    }
    return all;
  }

  /** Per image the text of the greatest cosine. */
  private static int[] nearest(float[] images, float[] texts, int textCount) {
    int dim = texts.length / textCount;
    int[] nearest = new int[images.length / dim];
    for (int i = 0; i < nearest.length; i++) {
      float best = Float.NEGATIVE_INFINITY;
      for (int k = 0; k < textCount; k++) {
        float cosine = 0;
        for (int e = 0; e < dim; e++) {
          cosine += images[i * dim + e] * texts[k * dim + e];
        }
        if (cosine > best) {
          best = cosine;
          nearest[i] = k;
        }
      }
    }
    return nearest;
  }

  private static double percent(int part, int whole) {
    return 100.0 * part / whole;
  }

  /** Two lines for people. */
  public String summary() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "retrieval %.1f | held-out pairs %.1f (shape %.1f, colour %.1f) | seen pairs %.1f%n",
            retrieval,
            heldOutPair,
            heldOutShape,
            heldOutColour,
            seenPair));
    text.append(String.format(Locale.ROOT, "mini-MTIL mean %.1f:", miniMtilMean()));
    miniMtil.forEach(
        (task, accuracy) -> text.append(String.format(Locale.ROOT, " %s %.1f", task, accuracy)));
    return text.toString();
  }
}
