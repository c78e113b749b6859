package dev.perennial.server.clip;

/**
 * Shape of a CLIP with two transformer towers.
 *
 * @param endOfTextId id that ends a text
 * @param endOfTextIsHighestId whether the row that is read is that of the highest id (OpenAI's
 *     configs, which say {@code eos_token_id: 2}) rather than of the first {@code endOfTextId}
 */
public record ClipConfig(
    Tower image,
    Tower text,
    int imageSize,
    int patchSize,
    int contextLength,
    int vocabularySize,
    int embedDim,
    int startOfTextId,
    int endOfTextId,
    boolean endOfTextIsHighestId) {

  /** One transformer. Head size is width / heads. */
  public record Tower(
      int width,
      int layers,
      int heads,
      int mlpWidth,
      Activation activation,
      double layerNormEpsilon) {}

  /** Activation of the perceptrons. */
  public enum Activation {
    QUICK_GELU,
    GELU
  }

  /** Tokens of an image: the patches and the class token. */
  public int imageTokens() {
    int side = imageSize / patchSize;
    return side * side + 1;
  }
}
