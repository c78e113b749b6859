package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The few things that are asked of a file system, durably. Not final: tests make it run full or
 * count its syncs. Safe for any thread.
 */
class Disk {

  static final Disk REAL = new Disk();

  /** How long a caller waits before it tries a full disk again. */
  private static final Duration RETRY_FULL = Duration.ofSeconds(30);

  /** Each is lost only to a file that came while the directory was being emptied. */
  private static final int MAX_DELETES = 100;

  /** A new file that only grows. Owned by one thread. */
  interface Appender extends AutoCloseable {
    void append(ByteBuffer bytes) throws IOException;

    /** On return everything appended survives a crash. */
    void force() throws IOException;

    @Override
    void close() throws IOException;
  }

  Appender create(Path file) throws IOException {
    return appender(
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
  }

  /** Goes on behind the first bytes of a file that is there; what follows them is cut off. */
  Appender continueAt(Path file, long bytes) throws IOException {
    return openAt(file, bytes, true);
  }

  /** Writes into a file that is there, from a place in it; nothing is cut off. */
  Appender writeAt(Path file, long position) throws IOException {
    return openAt(file, position, false);
  }

  private static Appender openAt(Path file, long position, boolean cut) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
    try {
      if (cut) {
        channel.truncate(position);
      }
      return appender(channel.position(position));
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  private static Appender appender(FileChannel channel) {
    return new Appender() {
      @Override
      public void append(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
      }

      @Override
      public void force() throws IOException {
        channel.force(false); // the length is forced too: without it the data is not readable
      }

      @Override
      public void close() throws IOException {
        channel.close();
      }
    };
  }

  /** Replaces a file as a whole: after a crash it has the old content or the new. */
  void replace(Path file, byte[] bytes) throws IOException {
    Path directory = Objects.requireNonNull(file.getParent());
    Path temporary = directory.resolve(file.getFileName() + ".tmp");
    Files.deleteIfExists(temporary);
    try (Appender appender = create(temporary)) {
      appender.append(ByteBuffer.wrap(bytes));
      appender.force();
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
    move(temporary, file);
    forceDirectory(directory);
  }

  /** Atomic; durable once both directories are forced. */
  void move(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Makes a directory's names durable. */
  void forceDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /**
   * Deletes a file or a whole directory, with what another thread is just writing into it; nothing
   * there is fine.
   */
  void delete(Path path) throws IOException {
    for (int tries = 1; ; tries++) {
      try {
        deleteAll(path);
        return;
      } catch (DirectoryNotEmptyException e) {
        if (tries == MAX_DELETES) {
          throw e;
        }
      }
    }
  }

  private static void deleteAll(Path path) throws IOException {
    Files.walkFileTree(
        path,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE; // never there, or not any more
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** What a caller is told of a failed write. */
  static ServingException failure(String what, IOException e) {
    String message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
    if (message.contains("no space left") || message.contains("quota exceeded")) {
      return ServingException.exhausted(
          "DISK_FULL", what + ": the server's disk is full", RETRY_FULL);
    }
    return new ServingException(
        ErrorCode.INTERNAL, "SPOOL_WRITE_FAILED", what + ": cannot be written", e);
  }
}
