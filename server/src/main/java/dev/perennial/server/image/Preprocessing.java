package dev.perennial.server.image;

/**
 * The model's input from a picture: Pillow's antialiased bicubic on the short side, centre crop,
 * scale, normalise, as Hugging Face's CLIPImageProcessor does.
 *
 * @param resizeShortSide pixels of the short side after resizing
 * @param imageSize S, the crop
 */
@SuppressWarnings("ArrayRecordComponent") // three constants each
public record Preprocessing(int resizeShortSide, int imageSize, float[] mean, float[] std) {
  /** (3, S, S) float32, channel by channel. */
  public float[] pixels(RgbImage image) {
    throw new UnsupportedOperationException();
  }
}
