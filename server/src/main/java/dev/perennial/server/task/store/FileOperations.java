package dev.perennial.server.task.store;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * What the store asks of a file system. A seam: tests put one here that fails at a chosen step.
 * Each call has its effect on disk, as far as it says so, when it returns.
 */
interface FileOperations {
  /** Creates the folder and its parents; nothing where it exists. */
  void createDirectories(Path directory) throws IOException;

  /** Creates or overwrites the file and forces its bytes to disk. */
  void writeForced(Path file, byte[] bytes) throws IOException;

  /** Renames atomically, over an existing file too. */
  void rename(Path from, Path to) throws IOException;

  /** Forces a folder's entries to disk. */
  void forceDirectory(Path directory) throws IOException;

  /** Throws NoSuchFileException where there is none. */
  byte[] read(Path file) throws IOException;

  /** Files directly in the folder, in name order. */
  List<Path> list(Path directory) throws IOException;

  /** Nothing where there is none. */
  void deleteIfExists(Path file) throws IOException;

  /** Bytes that this process could still write there. */
  long usableBytes(Path directory) throws IOException;
}
