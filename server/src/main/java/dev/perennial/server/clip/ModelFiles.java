package dev.perennial.server.clip;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.safetensors.Safetensors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A model's files by their names: of a directory, or of the classpath. Safe for any thread. */
interface ModelFiles {
  /** Above the largest tokenizer.json that is published (about 20 MB). */
  int MAX_TEXT_BYTES = 100 << 20;

  /** Names the place in messages. */
  String place();

  /** Whether there is such a file. */
  boolean has(String name);

  /** The file's text; FAILED_PRECONDITION if it cannot be read. */
  String text(String name);

  /** The file's tensors. */
  Safetensors tensors(String name);

  /** A JSON file's object; null if there is no such file. */
  default @Nullable JsonSection json(String name) {
    return has(name) ? JsonSection.parse(name, text(name)) : null;
  }

  /** The error of a model that cannot be served. */
  static ServingException unusable(String reason, String message) {
    return new ServingException(ErrorCode.FAILED_PRECONDITION, reason, message);
  }

  private static ServingException unreadable(String name, IOException cause) {
    return new ServingException(
        ErrorCode.FAILED_PRECONDITION,
        "MODEL_FILE",
        name + ": " + cause + " (expected: a readable file)",
        cause);
  }

  /** Files of a directory; tensors are mapped, not read. */
  static ModelFiles of(Path directory) {
    return new ModelFiles() {
      @Override
      public String place() {
        return directory.toString();
      }

      @Override
      public boolean has(String name) {
        return Files.isRegularFile(directory.resolve(name));
      }

      @Override
      public String text(String name) {
        Path file = directory.resolve(name);
        try {
          long size = Files.size(file);
          if (size > MAX_TEXT_BYTES) {
            throw unusable(
                "MODEL_FILE",
                file + ": " + size + " bytes (expected: at most " + MAX_TEXT_BYTES + ")");
          }
          return Files.readString(file);
        } catch (IOException e) {
          throw unreadable(file.toString(), e);
        }
      }

      @Override
      public Safetensors tensors(String name) {
        return Safetensors.open(directory.resolve(name));
      }
    };
  }

  /** Files beside each other on the classpath, in a jar or not; nothing is copied to disk. */
  static ModelFiles ofResources(String folder) {
    return new ModelFiles() {
      @Override
      public String place() {
        return "classpath:" + folder;
      }

      @Override
      public boolean has(String name) {
        return ModelFiles.class.getResource(folder + "/" + name) != null;
      }

      @Override
      public String text(String name) {
        return new String(bytes(name), StandardCharsets.UTF_8);
      }

      @Override
      public Safetensors tensors(String name) {
        return Safetensors.parse(ByteBuffer.wrap(bytes(name)));
      }

      private byte[] bytes(String name) {
        try (InputStream in = ModelFiles.class.getResourceAsStream(folder + "/" + name)) {
          if (in == null) {
            throw unusable("MODEL_FILE", place() + "/" + name + ": missing (expected: present)");
          }
          return in.readAllBytes();
        } catch (IOException e) {
          throw unreadable(place() + "/" + name, e);
        }
      }
    };
  }
}
