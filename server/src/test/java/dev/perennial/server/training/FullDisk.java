package dev.perennial.server.training;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * A real disk on which durable changes fail: one after some that succeed, or all; or of a process
 * that is killed, from then on.
 */
final class FullDisk extends Disk {

  /** Changes that still succeed before one fails; negative: none fails. */
  final AtomicInteger successesLeft = new AtomicInteger(-1);

  volatile boolean full;

  /** Whether a full disk has room again once anything was deleted. */
  volatile boolean deletingMakesRoom;

  /** Changes that failed. */
  final AtomicInteger failures = new AtomicInteger();

  private final ReadWriteLock killing = new ReentrantReadWriteLock();
  private boolean killed;

  /** One change. */
  private interface Change<T> {
    T run() throws IOException;
  }

  /** The process that writes is dead: nothing changes any more once this has returned. */
  void kill() {
    killing.writeLock().lock();
    try {
      killed = true;
    } finally {
      killing.writeLock().unlock();
    }
  }

  private <T> T alive(Change<T> change) throws IOException {
    killing.readLock().lock();
    try {
      if (killed) {
        throw new IOException("process: killed");
      }
      return change.run();
    } finally {
      killing.readLock().unlock();
    }
  }

  @Override
  void delete(Path path) throws IOException {
    if (deletingMakesRoom && Files.exists(path)) {
      full = false;
    }
    boolean unused =
        alive(
            () -> {
              super.delete(path);
              return true;
            });
  }

  @Override
  void replace(Path file, byte[] bytes) throws IOException {
    check();
    super.replace(file, bytes);
  }

  @Override
  void move(Path from, Path to) throws IOException {
    check();
    boolean unused =
        alive(
            () -> {
              super.move(from, to);
              return true;
            });
  }

  @Override
  void forceDirectory(Path directory) throws IOException {
    check();
    super.forceDirectory(directory);
  }

  @Override
  Appender create(Path file) throws IOException {
    return bounded(alive(() -> super.create(file)));
  }

  @Override
  Appender continueAt(Path file, long bytes) throws IOException {
    return bounded(alive(() -> super.continueAt(file, bytes)));
  }

  @Override
  Appender writeAt(Path file, long position) throws IOException {
    return bounded(alive(() -> super.writeAt(file, position)));
  }

  /** Appends to it fail while the disk is full; they are no change that is counted. */
  private Appender bounded(Appender file) {
    return new Appender() {
      @Override
      public void append(ByteBuffer bytes) throws IOException {
        if (full && bytes.hasRemaining()) {
          failures.incrementAndGet();
          throw noRoom();
        }
        boolean unused =
            alive(
                () -> {
                  file.append(bytes);
                  return true;
                });
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
