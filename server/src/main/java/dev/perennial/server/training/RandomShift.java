package dev.perennial.server.training;

import java.util.SplittableRandom;

/**
 * The robust recipe's augmentation: the image is moved by up to a sixteenth of its side in both
 * directions (2 pixels of 32), each distance equally likely; what comes in repeats the edge.
 */
final class RandomShift {

  /** Measured at 2 pixels of 32; larger images move by the same part of their side. */
  private static final int SIDE_PER_SHIFT = 16;

  private static final int CHANNELS = 3;

  private RandomShift() {}

  static int most(int side) {
    return side / SIDE_PER_SHIFT;
  }

  /** A moved copy of (3, S, S); draws two numbers, down first. */
  static float[] apply(float[] pixels, int side, SplittableRandom random) {
    int most = most(side);
    int down = random.nextInt(2 * most + 1) - most;
    int right = random.nextInt(2 * most + 1) - most;
    return shift(pixels, side, down, right);
  }

  static float[] shift(float[] pixels, int side, int down, int right) {
    float[] moved = new float[pixels.length];
    for (int channel = 0; channel < CHANNELS; channel++) {
      for (int y = 0; y < side; y++) {
        int from = (channel * side + clamp(y - down, side)) * side;
        int to = (channel * side + y) * side;
        for (int x = 0; x < side; x++) {
          moved[to + x] = pixels[from + clamp(x - right, side)];
        }
      }
    }
    return moved;
  }

  private static int clamp(int position, int side) {
    return Math.max(0, Math.min(side - 1, position));
  }
}
