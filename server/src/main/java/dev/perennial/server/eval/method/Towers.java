package dev.perennial.server.eval.method;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.device.LabelFeatures;
import dev.perennial.server.eval.Answers.Guess;
import dev.perennial.server.eval.PictureSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Both towers as they are at the moment, and how pictures are answered with them.
 *
 * @param images (3, S, S) each to L2-normalised features (B, E)
 * @param texts token ids to L2-normalised features (K, E)
 */
record Towers(
    Function<List<float[]>, float[]> images, Function<List<int[]>, float[]> texts, float scale) {
  /** The most texts of one call. */
  static final int MAX_TEXTS = 256;

  /** The most probable labels of the pictures at these places, in their order. */
  Guess[] answers(PictureSet pictures, int[] places, LabelSet labels) {
    Guess[] answers = new Guess[places.length];
    LabelFeatures known = labelFeatures(labels);
    for (int from = 0; from < places.length; from += FrozenFeatures.MAX_BATCH) {
      int to = Math.min(from + FrozenFeatures.MAX_BATCH, places.length);
      List<float[]> batch = new ArrayList<>();
      for (int i = from; i < to; i++) {
        batch.add(pictures.pixels(places[i]));
      }
      float[] features = images.apply(batch);
      int embedDim = features.length / batch.size();
      for (int i = from; i < to; i++) {
        int at = (i - from) * embedDim;
        float[] own = Arrays.copyOfRange(features, at, at + embedDim);
        answers[i] = Guess.best(known.score(own, 0, scale).probabilities());
      }
    }
    return answers;
  }

  private LabelFeatures labelFeatures(LabelSet labels) {
    float[] columns = columns(labels, texts);
    return new LabelFeatures(labels, columns.length / labels.prompts().size(), columns, null);
  }

  /** (E, P): features of all prompts of a set, prompts innermost, through some text tower. */
  static float[] columns(LabelSet labels, Function<List<int[]>, float[]> texts) {
    List<int[]> tokens = labels.prompts().stream().map(Towers::tokens).toList();
    List<float[]> parts = new ArrayList<>();
    for (int from = 0; from < tokens.size(); from += MAX_TEXTS) {
      parts.add(texts.apply(tokens.subList(from, Math.min(from + MAX_TEXTS, tokens.size()))));
    }
    int prompts = tokens.size();
    int embedDim = parts.stream().mapToInt(part -> part.length).sum() / prompts;
    float[] columns = new float[prompts * embedDim];
    for (int p = 0; p < prompts; p++) {
      float[] part = parts.get(p / MAX_TEXTS);
      for (int e = 0; e < embedDim; e++) {
        columns[e * prompts + p] = part[p % MAX_TEXTS * embedDim + e];
      }
    }
    return columns;
  }

  /** A prompt's token ids. */
  static int[] tokens(LabelSet.Prompt prompt) {
    return prompt.tokens().stream().mapToInt(Integer::intValue).toArray();
  }
}
