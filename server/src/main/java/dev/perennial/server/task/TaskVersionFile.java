package dev.perennial.server.task;

import java.nio.ByteBuffer;

/** A task version as one safetensors file. */
public final class TaskVersionFile {
  private TaskVersionFile() {}

  public static byte[] write(TaskVersion version) {
    throw new UnsupportedOperationException();
  }

  /** Throws DATA_LOSS where the bytes are no task version. */
  public static TaskVersion read(ByteBuffer bytes) {
    throw new UnsupportedOperationException();
  }

  /** SHA-256 in hexadecimal. */
  public static String versionId(byte[] bytes) {
    throw new UnsupportedOperationException();
  }
}
