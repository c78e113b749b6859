package dev.perennial.server.world;

import dev.perennial.server.image.RgbImage;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.stream.ImageOutputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Pictures as PNG files, alone or many on one sheet. Stateless. */
public final class PngImages {
  private static final int MARGIN = 1;
  private static final int MARGIN_GREY = 90;

  private PngImages() {}

  /** A PNG file's bytes; lossless. */
  public static byte[] encode(RgbImage image) {
    BufferedImage buffered =
        new BufferedImage(image.width(), image.height(), BufferedImage.TYPE_3BYTE_BGR);
    buffered.getRaster().setPixels(0, 0, image.width(), image.height(), unsigned(image.rgb()));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    // Given a plain stream, ImageIO would go through a file of its own for each picture.
    try (ImageOutputStream output = new MemoryCacheImageOutputStream(bytes)) {
      if (!ImageIO.write(buffered, "png", output)) {
        throw new IllegalStateException("image writers: none for PNG (expected: the JDK's own)");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory only
    }
    return bytes.toByteArray();
  }

  /**
   * Pictures of equal size in rows, with thin lines between them.
   *
   * @param columns pictures in a row
   * @param scale how many pixels of the sheet each pixel becomes in both directions
   */
  public static RgbImage sheet(List<RgbImage> images, int columns, int scale) {
    int cellWidth = images.get(0).width() + 2 * MARGIN;
    int cellHeight = images.get(0).height() + 2 * MARGIN;
    int rows = (images.size() + columns - 1) / columns;
    int width = columns * cellWidth * scale;
    int height = rows * cellHeight * scale;
    byte[] rgb = new byte[3 * width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int cellX = x / scale;
        int cellY = y / scale;
        int place = cellY / cellHeight * columns + cellX / cellWidth;
        int innerX = cellX % cellWidth - MARGIN;
        int innerY = cellY % cellHeight - MARGIN;
        for (int channel = 0; channel < 3; channel++) {
          rgb[3 * (y * width + x) + channel] =
              place < images.size() ? at(images.get(place), innerX, innerY, channel) : MARGIN_GREY;
        }
      }
    }
    return new RgbImage(width, height, rgb);
  }

  private static byte at(RgbImage image, int x, int y, int channel) {
    boolean outside = x < 0 || y < 0 || x >= image.width() || y >= image.height();
    return outside ? MARGIN_GREY : image.rgb()[3 * (y * image.width() + x) + channel];
  }

  private static int[] unsigned(byte[] bytes) {
    int[] values = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      values[i] = bytes[i] & 0xff;
    }
    return values;
  }
}
