package dev.perennial.server.task.store;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One process's hold on a folder: a lock on its file {@code lock}. The operating system releases it
 * when the process dies, however it dies. On a network file system it is as good as that system's
 * locks. Safe for any thread.
 */
final class DirectoryLock implements AutoCloseable {
  /**
   * Folders that this process holds. Asking the operating system again would be harmful: closing
   * any channel of a file drops all POSIX locks that the process has on it.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path directory;
  private final FileChannel channel;

  private DirectoryLock(Path directory, FileChannel channel) {
    this.directory = directory;
    this.channel = channel;
  }

  /** Throws FAILED_PRECONDITION where another process, or this one, has it already. */
  static DirectoryLock acquire(Path directory) throws IOException {
    Path real = directory.toRealPath();
    if (!HELD.add(real)) {
      throw inUse(real);
    }
    boolean acquired = false;
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              real.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      if (lock == null) {
        throw inUse(real);
      }
      acquired = true;
      return new DirectoryLock(real, channel);
    } finally {
      if (!acquired) {
        HELD.remove(real);
        if (channel != null) {
          channel.close();
        }
      }
    }
  }

  private static ServingException inUse(Path directory) {
    return new ServingException(
        ErrorCode.FAILED_PRECONDITION,
        "DATA_DIRECTORY_IN_USE",
        "data directory: "
            + directory
            + " is in use by a running server (expected: one server per directory)");
  }

  /** Twice is fine. */
  @Override
  public void close() throws IOException {
    if (channel.isOpen()) {
      channel.close();
      HELD.remove(directory);
    }
  }
}
