package dev.perennial.server.safetensors;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * One tensor as it lies in a file: row-major, little-endian.
 *
 * @param bytes read-only, little-endian, position 0, limit = element count * {@link
 *     DataType#bytes()}; may view a mapped file
 */
public record TensorData(String name, DataType type, List<Long> shape, ByteBuffer bytes) {
  /** Product of the shape; 1 for a scalar. */
  public long elementCount() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** All elements widened (exactly) or rounded (F64) to float; fails for integer types. */
  public float[] toFloats() {
    throw new UnsupportedOperationException();
  }

  /** All elements of an I64 tensor. */
  public long[] toLongs() {
    throw new UnsupportedOperationException();
  }
}
