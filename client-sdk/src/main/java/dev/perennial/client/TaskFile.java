package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * One version of a task as a file: what {@link PerennialClient#exportTask} gives and {@link
 * PerennialClient#importTask} takes. Immutable.
 */
public final class TaskFile {
  private final byte[] bytes;
  private final String versionId;

  private TaskFile(byte[] bytes) {
    this.bytes = bytes;
    this.versionId = sha256(bytes);
  }

  /** Copies the bytes. */
  public static TaskFile of(byte[] bytes) {
    return new TaskFile(bytes.clone());
  }

  /** Takes the array over. */
  static TaskFile owning(byte[] bytes) {
    return new TaskFile(bytes);
  }

  /** Reads a file that was written by {@link #write}. */
  public static TaskFile read(Path file) throws IOException {
    return new TaskFile(Files.readAllBytes(file));
  }

  /** Writes the bytes; a file of that name is replaced. */
  public void write(Path file) throws IOException {
    Files.write(file, bytes);
  }

  /** SHA-256 of the bytes, in hexadecimal: the version's id. */
  public String versionId() {
    return versionId;
  }

  public int size() {
    return bytes.length;
  }

  /** A copy. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** Not a copy. */
  byte[] content() {
    return bytes;
  }

  /** Throws where these are not the bytes that were asked for. */
  TaskFile checked(String expectedVersionId) {
    if (!versionId.equals(expectedVersionId)) {
      throw new PerennialException(
          Code.DATA_LOSS,
          "SHA-256 of the exported file: %s (expected: %s)"
              .formatted(versionId, expectedVersionId));
    }
    return this;
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
