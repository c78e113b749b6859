package dev.perennial.server.task.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The real file system, of which one step fails: before or after its effect, once or for good.
 * Nothing is forced to disk, which a test without a power cut cannot see, and which takes long.
 */
final class FaultyFileOperations implements FileOperations {
  /** What happens at the chosen step. */
  enum Fault {
    /** Nothing is done; a write leaves half of its bytes. The next step works again. */
    BEFORE_ONCE,
    /** The step is done, and says that it failed. The next step works again. */
    AFTER_ONCE,
    /** As a power cut just before: no step works any more. */
    BEFORE_FOR_GOOD,
    /** As a power cut just after. */
    AFTER_FOR_GOOD
  }

  private interface Step {
    void run() throws IOException;
  }

  private final FileOperations disk = new DiskFileOperations();
  private final String message;
  private Fault fault = Fault.BEFORE_ONCE;
  private int stepsLeft = Integer.MAX_VALUE;
  private int steps;

  /** Sound until {@link #failAfter}. */
  FaultyFileOperations(String message) {
    this.message = message;
  }

  /** The step after the given number of steps fails. */
  void failAfter(int count, Fault kind) {
    stepsLeft = count;
    fault = kind;
    steps = 0;
  }

  /** Changing steps since {@link #failAfter}. */
  int steps() {
    return steps;
  }

  private void step(Step half, Step whole) throws IOException {
    steps++;
    stepsLeft--;
    if (stepsLeft >= 0) {
      whole.run();
      return;
    }
    boolean first = stepsLeft == -1;
    if (first) {
      boolean before = fault == Fault.BEFORE_ONCE || fault == Fault.BEFORE_FOR_GOOD;
      (before ? half : whole).run();
    }
    if (fault == Fault.BEFORE_ONCE || fault == Fault.AFTER_ONCE) {
      stepsLeft = Integer.MAX_VALUE;
    }
    throw new IOException(message);
  }

  @Override
  public void createDirectories(Path directory) throws IOException {
    step(() -> {}, () -> disk.createDirectories(directory));
  }

  @Override
  public void writeForced(Path file, byte[] bytes) throws IOException {
    step(
        () -> Files.write(file, Arrays.copyOf(bytes, bytes.length / 2)),
        () -> Files.write(file, bytes));
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    step(() -> {}, () -> disk.rename(from, to));
  }

  @Override
  public void forceDirectory(Path directory) throws IOException {
    step(() -> {}, () -> {});
  }

  @Override
  public byte[] read(Path file) throws IOException {
    return disk.read(file);
  }

  @Override
  public List<Path> list(Path directory) throws IOException {
    return disk.list(directory);
  }

  @Override
  public void deleteIfExists(Path file) throws IOException {
    step(() -> {}, () -> disk.deleteIfExists(file));
  }

  @Override
  public long usableBytes(Path directory) throws IOException {
    return disk.usableBytes(directory);
  }
}
