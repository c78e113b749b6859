package dev.perennial.server.clip;

import dev.perennial.server.image.Preprocessing;
import dev.perennial.server.safetensors.TensorData;
import java.nio.file.Path;
import java.util.Map;

/** A Hugging Face {@code CLIPModel} directory, checked. Immutable; safe for any thread. */
public final class ModelDirectory {
  /** Throws FAILED_PRECONDITION that names the file, tensor or key and what was expected. */
  public static ModelDirectory open(Path directory) {
    throw new UnsupportedOperationException();
  }

  /** The built-in tiny CLIP. */
  public static ModelDirectory embedded() {
    throw new UnsupportedOperationException();
  }

  public ClipConfig config() {
    throw new UnsupportedOperationException();
  }

  /** Every weight of the model under its Hugging Face name, shapes checked, nothing else. */
  public Map<String, TensorData> weights() {
    throw new UnsupportedOperationException();
  }

  public Tokenizer tokenizer() {
    throw new UnsupportedOperationException();
  }

  public Preprocessing preprocessing() {
    throw new UnsupportedOperationException();
  }

  /**
   * SHA-256 over names, shapes and float32 values of the weights, in hexadecimal: whatever dtype or
   * sharding they came in.
   */
  public String fingerprint() {
    throw new UnsupportedOperationException();
  }
}
