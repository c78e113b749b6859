package dev.perennial.server.world;

import dev.perennial.server.image.RgbImage;

/**
 * A picture and what it shows.
 *
 * @param classIndex place of its class among its task's class names
 */
public record LabelledImage(RgbImage image, int classIndex) {
  /** The picture as a PNG file's bytes. */
  public byte[] png() {
    return PngImages.encode(image);
  }
}
