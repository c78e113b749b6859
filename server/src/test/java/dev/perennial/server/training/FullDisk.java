package dev.perennial.server.training;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/** A real disk on which durable changes fail: one after some that succeed, or all. */
final class FullDisk extends Disk {

  /** Changes that still succeed before one fails; negative: none fails. */
  final AtomicInteger successesLeft = new AtomicInteger(-1);

  volatile boolean full;

  /** Whether a full disk has room again once anything was deleted. */
  volatile boolean deletingMakesRoom;

  /** Changes that failed. */
  final AtomicInteger failures = new AtomicInteger();

  @Override
  void delete(Path path) throws IOException {
    if (deletingMakesRoom && Files.exists(path)) {
      full = false;
    }
    super.delete(path);
  }

  @Override
  void replace(Path file, byte[] bytes) throws IOException {
    check();
    super.replace(file, bytes);
  }

  @Override
  void move(Path from, Path to) throws IOException {
    check();
    super.move(from, to);
  }

  @Override
  void forceDirectory(Path directory) throws IOException {
    check();
    super.forceDirectory(directory);
  }

  @Override
  Appender create(Path file) throws IOException {
    return bounded(super.create(file));
  }

  @Override
  Appender continueAt(Path file, long bytes) throws IOException {
    return bounded(super.continueAt(file, bytes));
  }

  /** Appends to it fail while the disk is full; they are no change that is counted. */
  private Appender bounded(Appender file) {
    return new Appender() {
      @Override
      public void append(ByteBuffer bytes) throws IOException {
        if (full) {
          failures.incrementAndGet();
          throw noRoom();
        }
        file.append(bytes);
      }

      @Override
      public void force() throws IOException {
        file.force();
      }

      @Override
      public void close() throws IOException {
        file.close();
      }
    };
  }

  private static IOException noRoom() {
    return new IOException("No space left on device");
  }

  private void check() throws IOException {
    if (full || successesLeft.getAndDecrement() == 0) {
      failures.incrementAndGet();
      throw noRoom();
    }
  }
}
