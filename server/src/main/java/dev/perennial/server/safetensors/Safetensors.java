package dev.perennial.server.safetensors;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;

/** A safetensors file: metadata and named tensors. Immutable; safe for any thread. */
public final class Safetensors {
  /** Maps the file (any size); throws DATA_LOSS where header, offsets or sizes are inconsistent. */
  public static Safetensors open(Path file) {
    throw new UnsupportedOperationException();
  }

  /** The same for bytes in memory. */
  public static Safetensors parse(ByteBuffer bytes) {
    throw new UnsupportedOperationException();
  }

  /** The file's bytes; the same input always gives the same bytes (names and metadata sorted). */
  public static byte[] write(Map<String, String> metadata, Collection<TensorData> tensors) {
    throw new UnsupportedOperationException();
  }

  public Map<String, String> metadata() {
    throw new UnsupportedOperationException();
  }

  /** By name, in name order. */
  public Map<String, TensorData> tensors() {
    throw new UnsupportedOperationException();
  }
}
