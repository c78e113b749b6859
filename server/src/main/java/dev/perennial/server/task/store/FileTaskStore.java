package dev.perennial.server.task.store;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.TaskStore;
import dev.perennial.server.task.TaskVersionFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Versions and manifest in a folder of a local file system, of one process at a time. Threads as
 * {@link TaskStore} says.
 *
 * <p>Files: {@code versions/<sha256>.safetensors}, {@code manifest.json}, its copy {@code
 * manifest.copy.json}, {@code lock}. Each is written to {@code <name>.tmp}, forced to disk, renamed
 * over its name, and the folder is forced: a crash leaves the old file or the new one.
 *
 * <p>A manifest counts once {@code manifest.json} is renamed. The copy, written after it, stands in
 * where the first is damaged: then its epoch is moved on by one, as the damaged one may have been
 * seen, and nothing is removed until the next start, as the damaged one may have named it. Versions
 * without any readable manifest are DATA_LOSS: never an empty pool.
 */
public final class FileTaskStore implements TaskStore, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FileTaskStore.class);

  private static final String VERSIONS = "versions";
  private static final String MANIFEST = "manifest.json";
  private static final String MANIFEST_COPY = "manifest.copy.json";
  private static final String TEMPORARY = ".tmp";
  private static final String VERSION_SUFFIX = ".safetensors";
  private static final Pattern VERSION_ID = Pattern.compile("[0-9a-f]{64}");

  private final Path directory;
  private final Path versionsDirectory;
  private final FileOperations files;
  private final DirectoryLock lock;

  /** Whether the manifest was read from its copy. */
  private boolean recovered;

  private Manifest manifest;

  /**
   * Opens the folder, or makes a new one there. Throws FAILED_PRECONDITION (another process has
   * it), DATA_LOSS (no manifest can be read), RESOURCE_EXHAUSTED (disk full).
   */
  public FileTaskStore(Path directory) {
    this(directory, new DiskFileOperations());
  }

  FileTaskStore(Path directory, FileOperations files) {
    this.directory = directory;
    this.versionsDirectory = directory.resolve(VERSIONS);
    this.files = files;
    try {
      files.createDirectories(versionsDirectory);
      this.lock = DirectoryLock.acquire(directory);
    } catch (IOException e) {
      throw failed("open " + directory, 0, e);
    }
    boolean open = false;
    try {
      removeTemporaries();
      this.manifest = readManifest();
      open = true;
    } catch (IOException e) {
      throw failed("open " + directory, 0, e);
    } finally {
      if (!open) {
        close();
      }
    }
  }

  private void removeTemporaries() throws IOException {
    for (Path folder : List.of(directory, versionsDirectory)) {
      for (Path file : files.list(folder)) {
        if (file.getFileName().toString().endsWith(TEMPORARY)) {
          files.deleteIfExists(file);
        }
      }
    }
  }

  private Manifest readManifest() throws IOException {
    List<String> problems = new ArrayList<>();
    Manifest first = readManifest(MANIFEST, problems);
    if (first != null) {
      return first;
    }
    Manifest copy = readManifest(MANIFEST_COPY, problems);
    if (copy != null) {
      LOG.warn("{}: the copy of epoch {} stands in", problems, copy.epoch());
      recovered = true;
      return copy.at(copy.epoch() + 1);
    }
    if (!storedVersions().isEmpty() || problems.stream().anyMatch(p -> !p.endsWith("missing"))) {
      throw new ServingException(
          ErrorCode.DATA_LOSS,
          "MANIFEST_DAMAGED",
          "manifest in "
              + directory
              + ": "
              + problems
              + " (expected: one that can be read; put one back from a backup, or move the folder"
              + " away to start anew)");
    }
    // From here on, versions without a manifest mean that one was lost.
    replace(directory, MANIFEST, ManifestFile.write(Manifest.empty()));
    return Manifest.empty();
  }

  private @Nullable Manifest readManifest(String name, List<String> problems) throws IOException {
    try {
      return ManifestFile.read(files.read(directory.resolve(name)));
    } catch (NoSuchFileException e) {
      problems.add(name + " missing");
    } catch (IllegalArgumentException e) {
      problems.add(name + " damaged, " + e.getMessage());
    }
    return null;
  }

  private List<Path> storedVersions() throws IOException {
    return files.list(versionsDirectory).stream()
        .filter(file -> file.getFileName().toString().endsWith(VERSION_SUFFIX))
        .toList();
  }

  @Override
  public Manifest manifest() {
    return manifest;
  }

  @Override
  public void writeManifest(Manifest next) {
    if (next.epoch() <= manifest.epoch()) {
      throw new IllegalArgumentException(
          "epoch: " + next.epoch() + " (expected: above " + manifest.epoch() + ")");
    }
    byte[] bytes = ManifestFile.write(next);
    try {
      replace(directory, MANIFEST, bytes);
    } catch (IOException e) {
      throw failed("write the manifest", bytes.length, e);
    }
    manifest = next;
    try {
      replace(directory, MANIFEST_COPY, bytes);
    } catch (IOException e) {
      LOG.warn(
          "The manifest's copy is behind epoch {}; the next change tries again", next.epoch(), e);
    }
  }

  @Override
  public void putVersion(String versionId, byte[] bytes) {
    requireId(versionId);
    if (!TaskVersionFile.versionId(bytes).equals(versionId)) {
      throw new IllegalArgumentException(
          "version id: "
              + versionId
              + " (expected: "
              + TaskVersionFile.versionId(bytes)
              + ", the hash of its bytes)");
    }
    try {
      if (!isIntact(versionId)) {
        replace(versionsDirectory, versionId + VERSION_SUFFIX, bytes);
      }
    } catch (IOException e) {
      throw failed("store version " + versionId, bytes.length, e);
    }
  }

  private boolean isIntact(String versionId) throws IOException {
    try {
      byte[] stored = files.read(file(versionId));
      return TaskVersionFile.versionId(stored).equals(versionId);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  @Override
  public ByteBuffer getVersion(String versionId) {
    requireId(versionId);
    byte[] bytes;
    try {
      bytes = files.read(file(versionId));
    } catch (NoSuchFileException e) {
      throw new ServingException(
          ErrorCode.NOT_FOUND,
          "VERSION_NOT_FOUND",
          "version " + versionId + ": no file (expected: " + file(versionId) + ")",
          e);
    } catch (IOException e) {
      throw failed("read version " + versionId, 0, e);
    }
    String hash = TaskVersionFile.versionId(bytes);
    if (!hash.equals(versionId)) {
      throw new ServingException(
          ErrorCode.DATA_LOSS,
          "VERSION_DAMAGED",
          "hash of " + file(versionId) + ": " + hash + " (expected: " + versionId + ")");
    }
    return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
  }

  @Override
  public void removeVersionsExcept(Set<String> versionIds) {
    if (recovered) {
      return;
    }
    try {
      for (Path file : storedVersions()) {
        String name = file.getFileName().toString();
        String id = name.substring(0, name.length() - VERSION_SUFFIX.length());
        if (VERSION_ID.matcher(id).matches() && !versionIds.contains(id)) {
          files.deleteIfExists(file);
        }
      }
    } catch (IOException e) {
      throw failed("remove forgotten versions", 0, e);
    }
  }

  private static void requireId(String versionId) {
    if (!VERSION_ID.matcher(versionId).matches()) {
      throw new ServingException(
          ErrorCode.NOT_FOUND,
          "VERSION_NOT_FOUND",
          "version: " + versionId + " (expected: 64 hexadecimal digits)");
    }
  }

  private Path file(String versionId) {
    return versionsDirectory.resolve(versionId + VERSION_SUFFIX);
  }

  /** The whole new file, or the old one. */
  private void replace(Path folder, String name, byte[] bytes) throws IOException {
    Path temporary = folder.resolve(name + TEMPORARY);
    try {
      files.writeForced(temporary, bytes);
      files.rename(temporary, folder.resolve(name));
    } catch (IOException e) {
      removeQuietly(temporary, e);
      throw e;
    }
    files.forceDirectory(folder);
  }

  private void removeQuietly(Path temporary, IOException cause) {
    try {
      files.deleteIfExists(temporary);
    } catch (IOException e) {
      cause.addSuppressed(e); // the next opening removes it
    }
  }

  private ServingException failed(String what, long bytes, IOException e) {
    String message = String.valueOf(e.getMessage());
    if (saysFull(message) || hasNoRoom(bytes)) {
      return new ServingException(
          ErrorCode.RESOURCE_EXHAUSTED,
          "DISK_FULL",
          what + ": no room for " + bytes + " bytes in " + directory + " (expected: free space)",
          e);
    }
    return new ServingException(
        ErrorCode.INTERNAL, "STORE_FAILED", what + ": " + e + " (expected: success)", e);
  }

  /** The texts of ENOSPC and EDQUOT. */
  private static boolean saysFull(String message) {
    String text = message.toLowerCase(Locale.ROOT);
    return text.contains("no space left") || text.contains("quota exceeded");
  }

  private boolean hasNoRoom(long bytes) {
    try {
      return bytes > 0 && files.usableBytes(directory) < bytes;
    } catch (IOException e) {
      return false; // the first failure is the one to report
    }
  }

  /** Lets another process open the folder. Twice is fine. */
  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      LOG.warn("The lock of {} goes with the process", directory, e);
    }
  }
}
