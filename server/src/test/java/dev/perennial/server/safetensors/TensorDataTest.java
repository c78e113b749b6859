package dev.perennial.server.safetensors;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorDataTest {
  /** The definition of binary16, spelt out. */
  private static double slowHalf(int half) {
    int exponent = (half >> 10) & 0x1f;
    int fraction = half & 0x3ff;
    double magnitude =
        exponent == 0x1f
            ? (fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
            : exponent == 0 ? fraction * 0x1p-24 : (1024 + fraction) * Math.pow(2, exponent - 25);
    return (half & 0x8000) == 0 ? magnitude : -magnitude;
  }

  @Test
  void halfFloat_all65536_agreeWithDefinitionAndComeBack() {
    for (int half = 0; half < 65536; half++) {
      float value = HalfFloat.toFloat((short) half);
      assertEquals((float) slowHalf(half), value);
      if (!Float.isNaN(value)) {
        assertEquals((short) half, HalfFloat.fromFloat(value));
      } else {
        assertTrue(Float.isNaN(HalfFloat.toFloat(HalfFloat.fromFloat(value))));
      }
    }
  }

  @Test
  void halfFloat_betweenTwoHalves_roundsToNearestAndTiesToEven() {
    for (int half = 0; half < 0x7bff; half++) {
      float low = HalfFloat.toFloat((short) half);
      float high = HalfFloat.toFloat((short) (half + 1));
      float middle = (low + high) / 2; // exact: one more bit
      int even = (half & 1) == 0 ? half : half + 1;
      assertEquals((short) even, HalfFloat.fromFloat(middle));
      assertEquals((short) half, HalfFloat.fromFloat(Math.nextDown(middle)));
      assertEquals((short) (half + 1), HalfFloat.fromFloat(Math.nextUp(middle)));
    }
    assertEquals((short) 0x7bff, HalfFloat.fromFloat(Math.nextDown(65520f)));
    assertEquals((short) 0x7c00, HalfFloat.fromFloat(65520f));
    assertEquals((short) 0xfc00, HalfFloat.fromFloat(Float.NEGATIVE_INFINITY));
  }

  @Test
  void constructor_sizesDisagree_isRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new TensorData("a", DataType.F32, List.of(2L), ByteBuffer.allocate(4)));
    assertThrows(
        IllegalArgumentException.class,
        () -> new TensorData("a", DataType.F32, List.of(-1L), ByteBuffer.allocate(0)));
  }

  @Test
  void bytes_readOnce_areThereAgain() {
    TensorData tensor = TensorData.ofFloats("a", List.of(1L), new float[] {1});
    assertEquals(1f, tensor.bytes().getFloat());
    assertEquals(1f, tensor.bytes().getFloat());
    assertThrows(ReadOnlyBufferException.class, () -> tensor.bytes().putFloat(2));
  }

  @Test
  void toFloats_integers_fails() {
    TensorData tensor = TensorData.ofLongs("a", List.of(1L), new long[1]);
    assertThrows(ServingException.class, tensor::toFloats);
    assertThrows(
        ServingException.class, TensorData.ofFloats("a", List.of(), new float[1])::toLongs);
  }
}
