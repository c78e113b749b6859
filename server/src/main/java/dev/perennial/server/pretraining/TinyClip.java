package dev.perennial.server.pretraining;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ClipConfig.Activation;
import dev.perennial.server.clip.ClipConfig.Tower;
import dev.perennial.server.image.Preprocessing;
import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.Renderer;
import java.util.List;

/** The shape of the built-in model: 1.27 million parameters. Stateless. */
final class TinyClip {
  private static final int PATCH_SIZE = 8;
  private static final int EMBED_DIM = 128;
  private static final double LAYER_NORM_EPSILON = 1e-5;
  private static final Tower IMAGE =
      new Tower(128, 4, 4, 512, Activation.QUICK_GELU, LAYER_NORM_EPSILON);
  private static final Tower TEXT =
      new Tower(96, 3, 3, 384, Activation.QUICK_GELU, LAYER_NORM_EPSILON);

  /** Middle and spread of this world's pixels, in 0..1; the same for all three channels. */
  private static final float MEAN = .5f;

  private static final float STANDARD_DEVIATION = .28f;

  private TinyClip() {}

  static ClipConfig config(Vocabulary vocabulary) {
    return new ClipConfig(
        IMAGE,
        TEXT,
        Renderer.SIZE,
        PATCH_SIZE,
        Vocabulary.CONTEXT_LENGTH,
        vocabulary.size(),
        EMBED_DIM,
        vocabulary.startOfTextId(),
        vocabulary.endOfTextId(),
        false);
  }

  static Preprocessing preprocessing() {
    return new Preprocessing(
        Renderer.SIZE,
        Renderer.SIZE,
        new float[] {MEAN, MEAN, MEAN},
        new float[] {STANDARD_DEVIATION, STANDARD_DEVIATION, STANDARD_DEVIATION});
  }

  /** (B, 3, S, S): what {@link Preprocessing} gives for pictures of just the right size. */
  static float[] pixels(List<RgbImage> images) {
    int plane = Renderer.SIZE * Renderer.SIZE;
    float[] pixels = new float[images.size() * 3 * plane];
    for (int i = 0; i < images.size(); i++) {
      byte[] rgb = images.get(i).rgb();
      for (int channel = 0; channel < 3; channel++) {
        int start = (3 * i + channel) * plane;
        for (int pixel = 0; pixel < plane; pixel++) {
          float value = (rgb[3 * pixel + channel] & 0xff) / 255f;
          pixels[start + pixel] = (value - MEAN) / STANDARD_DEVIATION;
        }
      }
    }
    return pixels;
  }
}
