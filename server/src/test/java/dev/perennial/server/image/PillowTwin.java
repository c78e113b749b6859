package dev.perennial.server.image;

/** Pillow's resize, whole picture, one pixel after the other: the slow, obvious twin. */
final class PillowTwin {
  private PillowTwin() {}

  static RgbImage resize(RgbImage image, int width, int height) {
    RgbImage narrow = new RgbImage(width, image.height(), new byte[3 * width * image.height()]);
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < 3; c++) {
          byte[] line = new byte[image.width()];
          for (int i = 0; i < line.length; i++) {
            line[i] = image.rgb()[3 * (y * image.width() + i) + c];
          }
          narrow.rgb()[3 * (y * width + x) + c] = sample(line, width, x);
        }
      }
    }
    RgbImage out = new RgbImage(width, height, new byte[3 * width * height]);
    for (int x = 0; x < width; x++) {
      for (int c = 0; c < 3; c++) {
        byte[] line = new byte[image.height()];
        for (int i = 0; i < line.length; i++) {
          line[i] = narrow.rgb()[3 * (i * width + x) + c];
        }
        for (int y = 0; y < height; y++) {
          out.rgb()[3 * (y * width + x) + c] = sample(line, height, y);
        }
      }
    }
    return out;
  }

  /** One pixel of a line that is resized. */
  private static byte sample(byte[] line, int resized, int place) {
    double scale = line.length / (double) resized;
    double stretch = Math.max(1, scale);
    double center = (place + 0.5) * scale;
    int min = (int) Math.max(0, Math.floor(center - 2 * stretch + 0.5));
    int max = (int) Math.min(line.length, Math.floor(center + 2 * stretch + 0.5));
    double sum = 0;
    for (int i = min; i < max; i++) {
      sum += keys((i - center + 0.5) / stretch);
    }
    long total = 1 << 21;
    for (int i = min; i < max; i++) {
      double weight = keys((i - center + 0.5) / stretch) / sum * (1 << 22);
      long rounded = (long) (Math.signum(weight) * Math.floor(Math.abs(weight) + 0.5));
      total += rounded * (line[i] & 0xff);
    }
    return (byte) Math.max(0, Math.min(255, total >> 22));
  }

  /** Cubic convolution with a = -0.5 (Keys 1981, equation 15). */
  private static double keys(double distance) {
    double s = Math.abs(distance);
    if (s < 1) {
      return 1.5 * s * s * s - 2.5 * s * s + 1;
    }
    return s < 2 ? -0.5 * s * s * s + 2.5 * s * s - 4 * s + 2 : 0;
  }
}
