package dev.perennial.server.eval.data;

import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.PngImages;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/**
 * A picture without a file of its own: its 8-bit pixels lie in a larger file, are read when asked
 * for and packed as PNG.
 *
 * @param offset of its first byte in the file
 */
record RawPicture(Path file, long offset, int width, int height, Layout layout)
    implements PictureSource {
  /** How its bytes lie; rows from the top in both. */
  enum Layout {
    /** One byte a pixel. */
    GREY(1),
    /** All red bytes, then all green, then all blue. */
    PLANES(3);

    private final int channels;

    Layout(int channels) {
      this.channels = channels;
    }
  }

  @Override
  public byte[] encoded() throws IOException {
    byte[] raw = new byte[width * height * layout.channels];
    try (RandomAccessFile input = new RandomAccessFile(file.toFile(), "r")) {
      input.seek(offset);
      input.readFully(raw);
    }
    return PngImages.encode(new RgbImage(width, height, interleaved(raw)));
  }

  @Override
  public String toString() {
    return file + " from byte " + offset;
  }

  private byte[] interleaved(byte[] raw) {
    int pixels = width * height;
    byte[] rgb = new byte[3 * pixels];
    for (int pixel = 0; pixel < pixels; pixel++) {
      for (int channel = 0; channel < 3; channel++) {
        rgb[3 * pixel + channel] = raw[channel % layout.channels * pixels + pixel];
      }
    }
    return rgb;
  }
}
