package dev.perennial.server.pretraining;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ContrastiveTraining;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.image.RgbImage;
import java.util.ArrayList;
import java.util.List;

/** Both towers as the zero-shot report needs them: L2-normalised features, row by row. */
interface Encoders {
  /** (B, E). */
  float[] imageFeatures(List<RgbImage> images);

  /** (K, E). */
  float[] textFeatures(List<String> texts);

  /** A model in the middle of its pre-training. */
  static Encoders of(ContrastiveTraining training, Vocabulary vocabulary) {
    return new Encoders() {
      @Override
      public float[] imageFeatures(List<RgbImage> images) {
        return training.imageFeatures(TinyClip.pixels(images), images.size());
      }

      @Override
      public float[] textFeatures(List<String> texts) {
        return training.textFeatures(texts.stream().map(vocabulary::encode).toList());
      }
    };
  }

  /**
   * A finished model, through everything that serving uses: its files, tokenizer, preprocessing.
   */
  static Encoders of(ModelDirectory directory, ClipModel model, PrefixBank noTasks) {
    Tokenizer tokenizer = directory.tokenizer();
    return new Encoders() {
      @Override
      public float[] imageFeatures(List<RgbImage> images) {
        List<float[]> pixels = new ArrayList<>();
        images.forEach(image -> pixels.add(directory.preprocessing().pixels(image)));
        int rows = pixels.size();
        return model.imageFeatures(pixels, noTasks, new int[rows], new float[rows]);
      }

      @Override
      public float[] textFeatures(List<String> texts) {
        List<int[]> tokens = texts.stream().map(tokenizer::encode).toList();
        int rows = tokens.size();
        return model.textFeatures(tokens, noTasks, new int[rows], new float[rows]);
      }
    };
  }
}
