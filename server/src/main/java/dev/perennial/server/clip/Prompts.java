package dev.perennial.server.clip;

import java.util.List;

/**
 * One task's learned tokens for both towers. Not to be changed.
 *
 * @param length P, tokens a layer
 * @param image per layer (P, W)
 * @param text per layer (P, W)
 */
public record Prompts(int length, List<float[]> image, List<float[]> text) {
  /** No token at all: the plain model. */
  public static final Prompts NONE = new Prompts(0, List.of(new float[0]), List.of(new float[0]));

  public Prompts {
    image = List.copyOf(image);
    text = List.copyOf(text);
  }

  /** How many numbers were learned. */
  public long parameterCount() {
    return image.stream().mapToLong(layer -> layer.length).sum()
        + text.stream().mapToLong(layer -> layer.length).sum();
  }
}
