package dev.perennial.server.safetensors;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * One tensor as it lies in a file: row-major, little-endian. Immutable as long as nobody writes to
 * the memory behind it; safe for any thread.
 *
 * @param bytes read-only, little-endian, position 0, limit = element count * {@link
 *     DataType#bytes()}; may view a mapped file. The accessor gives a fresh view each time
 */
public record TensorData(String name, DataType type, List<Long> shape, ByteBuffer bytes) {
  /**
   * Takes what lies between the buffer's position and limit, without copying.
   *
   * @throws IllegalArgumentException where shape, type and bytes do not fit together
   */
  public TensorData {
    shape = List.copyOf(shape);
    bytes = bytes.slice().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    if (shape.stream().anyMatch(size -> size < 0)) {
      throw new IllegalArgumentException(
          "shape of " + name + ": " + shape + " (expected: no size below 0)");
    }
    long expected = Math.multiplyExact(product(shape), type.bytes());
    if (bytes.limit() != expected) {
      throw new IllegalArgumentException(
          "bytes of "
              + name
              + ": "
              + bytes.limit()
              + " (expected: "
              + expected
              + ", "
              + type
              + " "
              + shape
              + ")");
    }
  }

  /** An F32 tensor with a copy of the values. */
  public static TensorData ofFloats(String name, List<Long> shape, float[] values) {
    ByteBuffer bytes = allocate(values.length, DataType.F32);
    bytes.asFloatBuffer().put(values);
    return new TensorData(name, DataType.F32, shape, bytes);
  }

  /** An F16 tensor: the values rounded to the nearest half, ties to even. */
  public static TensorData ofHalves(String name, List<Long> shape, float[] values) {
    ByteBuffer bytes = allocate(values.length, DataType.F16);
    for (int i = 0; i < values.length; i++) {
      bytes.putShort(2 * i, HalfFloat.fromFloat(values[i]));
    }
    return new TensorData(name, DataType.F16, shape, bytes);
  }

  /** An F64 tensor with a copy of the values. */
  public static TensorData ofDoubles(String name, List<Long> shape, double[] values) {
    ByteBuffer bytes = allocate(values.length, DataType.F64);
    bytes.asDoubleBuffer().put(values);
    return new TensorData(name, DataType.F64, shape, bytes);
  }

  /** An I64 tensor with a copy of the values. */
  public static TensorData ofLongs(String name, List<Long> shape, long[] values) {
    ByteBuffer bytes = allocate(values.length, DataType.I64);
    bytes.asLongBuffer().put(values);
    return new TensorData(name, DataType.I64, shape, bytes);
  }

  private static ByteBuffer allocate(int elements, DataType type) {
    return ByteBuffer.allocate(Math.multiplyExact(elements, type.bytes()))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Product of the shape; 1 for a scalar. */
  public long elementCount() {
    return product(shape);
  }

  private static long product(List<Long> shape) {
    if (shape.contains(0L)) {
      return 0; // whatever the others are: their product need not fit a long
    }
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** All elements widened (exactly) or rounded (F64) to float; fails for integer types. */
  public float[] toFloats() {
    float[] values = new float[count()];
    switch (type) {
      case F32 -> bytes().asFloatBuffer().get(values);
      case F16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = HalfFloat.toFloat(bytes.getShort(2 * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = Float.intBitsToFloat(bytes.getShort(2 * i) << 16);
        }
      }
      case F64 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) bytes.getDouble(8 * i);
        }
      }
      case I64, I32, I16, I8, U64, U32, U16, U8, BOOL, F8_E4M3, F8_E5M2 ->
          throw wrongType("F32, F16, BF16 or F64");
    }
    return values;
  }

  /** All elements of an F64 tensor. */
  public double[] toDoubles() {
    if (type != DataType.F64) {
      throw wrongType("F64");
    }
    double[] values = new double[count()];
    bytes().asDoubleBuffer().get(values);
    return values;
  }

  /** All elements of an I64 tensor. */
  public long[] toLongs() {
    if (type != DataType.I64) {
      throw wrongType("I64");
    }
    long[] values = new long[count()];
    bytes().asLongBuffer().get(values);
    return values;
  }

  private int count() {
    return bytes.limit() / type.bytes();
  }

  private ServingException wrongType(String expected) {
    return new ServingException(
        ErrorCode.DATA_LOSS,
        "TENSOR_TYPE",
        "type of tensor " + name + ": " + type + " (expected: " + expected + ")");
  }
}
