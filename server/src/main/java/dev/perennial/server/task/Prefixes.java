package dev.perennial.server.task;

import java.util.List;

/**
 * One task's learned keys and values; per layer, from the first, (P, W) row by row, float32. The
 * arrays belong to this record: nobody changes them once it is built. Safe for any thread.
 *
 * @param length P
 */
@SuppressWarnings("ArrayRecordComponent") // large; compared by the version's hash
public record Prefixes(
    int length,
    List<float[]> imageKeys,
    List<float[]> imageValues,
    List<float[]> textKeys,
    List<float[]> textValues) {

  /** Checks that the shapes fit together and that every number is finite. */
  public Prefixes {
    imageKeys = List.copyOf(imageKeys);
    imageValues = List.copyOf(imageValues);
    textKeys = List.copyOf(textKeys);
    textValues = List.copyOf(textValues);
    requireShape(length, "image", imageKeys, imageValues);
    requireShape(length, "text", textKeys, textValues);
  }

  private static void requireShape(
      int length, String tower, List<float[]> keys, List<float[]> values) {
    // The shape's own bounds.
    PrefixShape shape = new PrefixShape(keys.size(), length);
    if (values.size() != shape.depth()) {
      throw new IllegalArgumentException(
          tower + " values: " + values.size() + " layers (expected: " + keys.size() + ")");
    }
    int size = keys.get(0).length;
    if (size == 0 || size % length != 0) {
      throw new IllegalArgumentException(
          tower + " key: " + size + " numbers (expected: a multiple of length " + length + ")");
    }
    for (int layer = 0; layer < keys.size(); layer++) {
      requireNumbers(tower + "." + layer + ".key", keys.get(layer), size);
      requireNumbers(tower + "." + layer + ".value", values.get(layer), size);
    }
  }

  private static void requireNumbers(String what, float[] numbers, int size) {
    if (numbers.length != size) {
      throw new IllegalArgumentException(
          what + ": " + numbers.length + " numbers (expected: " + size + ")");
    }
    for (float number : numbers) {
      if (!Float.isFinite(number)) {
        throw new IllegalArgumentException(what + ": " + number + " (expected: finite)");
      }
    }
  }

  /** Layers of the image tower that have a branch. */
  public int imageDepth() {
    return imageKeys.size();
  }

  /** Layers of the text tower that have a branch. */
  public int textDepth() {
    return textKeys.size();
  }

  /** W of the image tower. */
  public int imageWidth() {
    return imageKeys.get(0).length / length;
  }

  /** W of the text tower. */
  public int textWidth() {
    return textKeys.get(0).length / length;
  }

  /** Learned numbers in both towers. */
  public long parameterCount() {
    return 2L * length * ((long) imageDepth() * imageWidth() + (long) textDepth() * textWidth());
  }
}
