package dev.perennial.server.eval;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a run keeps what it has done, so that after an interruption it need not be done again:
 * files under one directory, each there as a whole or not at all. Safe for any thread as long as no
 * two write the same name.
 */
public final class RunState {
  /** Keeps nothing. */
  public static final RunState NONE = new RunState(null);

  private static final String CONFIG = "config.json";

  private final @Nullable Path directory;

  private RunState(@Nullable Path directory) {
    this.directory = directory;
  }

  /**
   * Keeps files under a directory, which is made.
   *
   * @param config what must be the same for what is kept there to be of use
   * @throws ServingException FAILED_PRECONDITION where it holds the work of another configuration
   */
  public static RunState open(Path directory, JsonObject config) {
    try {
      RunState state = new RunState(Files.createDirectories(directory));
      Optional<byte[]> present = state.read(CONFIG);
      if (present.isEmpty()) {
        state.write(CONFIG, config.toString().getBytes(StandardCharsets.UTF_8));
      } else {
        requireSame(directory, new String(present.get(), StandardCharsets.UTF_8), config);
      }
      return state;
    } catch (IOException e) {
      throw unusable(directory, e);
    }
  }

  private static void requireSame(Path directory, String present, JsonObject config) {
    JsonObject kept;
    try {
      kept = JsonParser.parseString(present).getAsJsonObject();
    } catch (JsonParseException | IllegalStateException e) {
      throw unusable(directory.resolve(CONFIG), e);
    }
    Set<String> names = new TreeSet<>(config.keySet());
    names.addAll(kept.keySet());
    for (String name : names) {
      if (!Objects.equals(kept.get(name), config.get(name))) {
        throw new ServingException(
            ErrorCode.FAILED_PRECONDITION,
            "STATE_OF_ANOTHER_RUN",
            "state %s: of a run with %s %s (expected: %s; name another directory or delete it)"
                .formatted(directory, name, kept.get(name), config.get(name)));
      }
    }
  }

  /** A file name for work of this description: the same for the same description only. */
  public static String fileName(String kind, String description, String extension) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] hash = digest.digest(description.getBytes(StandardCharsets.UTF_8));
      return kind + "-" + HexFormat.of().formatHex(hash) + "." + extension;
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  /** What was written under this name; empty where nothing was. */
  public Optional<byte[]> read(String name) {
    if (directory == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(Files.readAllBytes(directory.resolve(name)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw unusable(directory.resolve(name), e);
    }
  }

  /** Keeps the bytes under a name, a plain file name. */
  public void write(String name, byte[] bytes) {
    if (directory == null) {
      return;
    }
    Path file = directory.resolve(name);
    try {
      Path aside = Files.createTempFile(directory, name, ".new");
      Files.write(aside, bytes);
      Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw unusable(file, e);
    }
  }

  /** Forgets everything, the directory included. */
  public void delete() throws IOException {
    if (directory == null) {
      return;
    }
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  private static ServingException unusable(Path file, Exception cause) {
    return new ServingException(
        ErrorCode.FAILED_PRECONDITION,
        "STATE_UNUSABLE",
        file + ": cannot be used (expected: a file of this run's state)",
        cause);
  }
}
