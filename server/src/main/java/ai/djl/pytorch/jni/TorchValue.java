package ai.djl.pytorch.jni;

import ai.djl.engine.Engine;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;

/**
 * One argument or result of a {@link TorchProgram}: a tensor, a list of tensors, numbers, text. It
 * holds one native reference until it is closed; closing twice is fine. Not thread-safe.
 */
@NullMarked
public final class TorchValue implements AutoCloseable {
  static final int[] CPU = {0, -1};
  private static final int DENSE = 0;

  /** The native library's number of a type: the place in {@link ai.djl.ndarray.types.DataType}. */
  private static final int FLOAT32 = 0;

  private static final int INT64 = 6;
  private static final AtomicLong LIVE = new AtomicLong();

  private long handle;

  /** What a view's memory belongs to: native code does not keep it reachable. */
  private final @Nullable ByteBuffer memory;

  TorchValue(long handle) {
    this(handle, null);
  }

  private TorchValue(long handle, @Nullable ByteBuffer memory) {
    this.handle = handle;
    this.memory = memory;
    LIVE.incrementAndGet();
  }

  /** Values of this JVM that are not closed: what a leak would raise. */
  public static long liveCount() {
    return LIVE.get();
  }

  /**
   * A float32 tensor that views the buffer's memory from position 0, which must stay unchanged
   * while the value, or a list that it is part of, is used: so close it last.
   *
   * @param floats direct, in native order
   */
  public static TorchValue floats(ByteBuffer floats, long... shape) {
    return view(floats, FLOAT32, Float.BYTES, shape);
  }

  /** The same for int64. */
  public static TorchValue longs(ByteBuffer longs, long... shape) {
    return view(longs, INT64, Long.BYTES, shape);
  }

  private static TorchValue view(ByteBuffer bytes, int type, long bytesEach, long... shape) {
    long size = bytesEach;
    for (long length : shape) {
      size = Math.multiplyExact(size, length);
    }
    if (!bytes.isDirect() || bytes.order() != ByteOrder.nativeOrder() || bytes.capacity() < size) {
      throw new IllegalArgumentException(
          "buffer: " + bytes + " (expected: direct, native order, at least " + size + " bytes)");
    }
    Engine.getEngine("PyTorch"); // loads the native library
    long tensor = PyTorchLibrary.LIB.torchFromBlob(bytes, shape, type, DENSE, CPU, false);
    try {
      return new TorchValue(PyTorchLibrary.LIB.iValueFromTensor(tensor), bytes);
    } finally {
      PyTorchLibrary.LIB.torchDeleteTensor(tensor);
    }
  }

  /** A list of tensors; shares them with the given values, which may be closed. */
  public static TorchValue list(List<TorchValue> tensors) {
    long[] handles = new long[tensors.size()];
    int made = 0;
    try {
      for (; made < handles.length; made++) {
        handles[made] = PyTorchLibrary.LIB.iValueToTensor(tensors.get(made).handle());
      }
      return new TorchValue(PyTorchLibrary.LIB.iValueFromTensorList(handles));
    } finally {
      for (int i = 0; i < made; i++) {
        PyTorchLibrary.LIB.torchDeleteTensor(handles[i]);
      }
    }
  }

  public static TorchValue integer(long value) {
    return new TorchValue(PyTorchLibrary.LIB.iValueFromLong(value));
  }

  public static TorchValue number(double value) {
    return new TorchValue(PyTorchLibrary.LIB.iValueFromDouble(value));
  }

  public static TorchValue integers(long... values) {
    return new TorchValue(PyTorchLibrary.LIB.iValueFromLongList(values));
  }

  public static TorchValue numbers(double... values) {
    return new TorchValue(PyTorchLibrary.LIB.iValueFromDoubleList(values));
  }

  public static TorchValue text(String value) {
    return new TorchValue(PyTorchLibrary.LIB.iValueFromString(value));
  }

  /** A copy of a contiguous float32 tensor in host memory. */
  public float[] toFloats() {
    long tensor = PyTorchLibrary.LIB.iValueToTensor(handle());
    try {
      return floatsOf(tensor);
    } finally {
      PyTorchLibrary.LIB.torchDeleteTensor(tensor);
    }
  }

  /** Copies of a list of such tensors. */
  public List<float[]> toFloatLists() {
    long[] tensors = PyTorchLibrary.LIB.iValueToTensorList(handle());
    try {
      return Arrays.stream(tensors).mapToObj(TorchValue::floatsOf).toList();
    } finally {
      for (long tensor : tensors) {
        PyTorchLibrary.LIB.torchDeleteTensor(tensor);
      }
    }
  }

  private static float[] floatsOf(long tensor) {
    if (PyTorchLibrary.LIB.torchDType(tensor) != FLOAT32
        || PyTorchLibrary.LIB.torchDevice(tensor)[0] != CPU[0]
        || !PyTorchLibrary.LIB.torchIsContiguous(tensor)) {
      throw new IllegalStateException(
          "tensor: not as expected (expected: contiguous float32 in host memory)");
    }
    ByteBuffer bytes = PyTorchLibrary.LIB.torchDirectByteBuffer(tensor);
    float[] copy = new float[bytes.capacity() / Float.BYTES];
    bytes.order(ByteOrder.nativeOrder()).asFloatBuffer().get(copy);
    return copy;
  }

  long handle() {
    if (handle == 0) {
      throw new IllegalStateException("value: closed (expected: open)");
    }
    return handle;
  }

  @Override
  public void close() {
    try {
      if (handle != 0) {
        PyTorchLibrary.LIB.torchDeleteIValue(handle);
        handle = 0;
        LIVE.decrementAndGet();
      }
    } finally {
      Reference.reachabilityFence(memory);
    }
  }
}
