package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchValue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Direct memory that one kind of argument is written to, call after call: it grows and is kept,
 * because direct memory is given back only by the garbage collector. Owned by one thread. A value
 * made here is good until the next one is made.
 */
final class HostBuffer {
  private ByteBuffer bytes = direct(0);

  /** The rows after each other, as a float32 tensor. */
  TorchValue floats(List<float[]> rows, long... shape) {
    int count = 0;
    for (float[] row : rows) {
      count = Math.addExact(count, row.length);
    }
    var floats = room((long) count * Float.BYTES).asFloatBuffer();
    for (float[] row : rows) {
      floats.put(row);
    }
    return TorchValue.floats(bytes, shape);
  }

  /** An int64 tensor. */
  TorchValue longs(long[] values, long... shape) {
    room((long) values.length * Long.BYTES).asLongBuffer().put(values);
    return TorchValue.longs(bytes, shape);
  }

  /** An int64 vector. */
  TorchValue longs(int[] values) {
    var longs = room((long) values.length * Long.BYTES).asLongBuffer();
    for (int value : values) {
      longs.put(value);
    }
    return TorchValue.longs(bytes, values.length);
  }

  /** At least that many bytes, from position 0. */
  ByteBuffer room(long size) {
    if (bytes.capacity() < size) {
      long doubled = Math.min(Math.max(size, 2L * bytes.capacity()), Integer.MAX_VALUE - 8);
      bytes = direct(Math.toIntExact(Math.max(size, doubled)));
    }
    return bytes.clear();
  }

  private static ByteBuffer direct(int size) {
    return ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
  }
}
