package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskVersion;
import java.util.List;

/** Compares what was learnt bit by bit; when a version was made and for whom plays no part. */
final class Bits {

  private Bits() {}

  static void assertSame(TaskVersion expected, TaskVersion actual) {
    assertPrefixes(expected.prefixes(), actual.prefixes());
    assertEquals(expected.statistics(), actual.statistics());
    assertEquals(expected.gate(), actual.gate());
    assertEquals(expected.metrics(), actual.metrics());
    assertEquals(expected.options(), actual.options());
    assertEquals(expected.classNames(), actual.classNames());
    assertEquals(expected.seed(), actual.seed());
    assertEquals(expected.backboneFingerprint(), actual.backboneFingerprint());
  }

  static void assertPrefixes(Prefixes expected, Prefixes actual) {
    assertEquals(expected.length(), actual.length());
    assertLayers(expected.imageKeys(), actual.imageKeys());
    assertLayers(expected.imageValues(), actual.imageValues());
    assertLayers(expected.textKeys(), actual.textKeys());
    assertLayers(expected.textValues(), actual.textValues());
  }

  private static void assertLayers(List<float[]> expected, List<float[]> actual) {
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      assertArrayEquals(bits(expected.get(i)), bits(actual.get(i)));
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}
