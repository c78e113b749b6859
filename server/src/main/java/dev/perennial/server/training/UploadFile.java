package dev.perennial.server.training;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** One upload's spool as it grows; it is made with its first record. Owned by one thread. */
final class UploadFile {
  private final UploadStart start;
  private final JobStore store;
  private Disk.@Nullable Appender appender;
  private long bytes;

  UploadFile(UploadStart start, JobStore store) {
    this.start = start;
    this.store = store;
    this.bytes = start.contents().bytes();
  }

  /** Of all whole records. */
  long bytes() {
    return bytes;
  }

  void append(ByteBuffer record) throws IOException {
    if (appender == null) {
      appender =
          bytes == 0
              ? store.createSpool(start.id(), start.keeps() ? start.spec() : null)
              : store.continueSpool(start.id(), bytes);
    }
    int size = record.remaining();
    appender.append(record);
    bytes += size;
  }

  /** On return everything appended survives a crash. */
  void force() throws IOException {
    if (appender != null) {
      appender.force();
    }
  }

  void close() throws IOException {
    if (appender != null) {
      Disk.Appender open = appender;
      appender = null;
      open.close();
    }
  }
}
