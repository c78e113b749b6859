package dev.perennial.server.eval.data;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * A file of unsigned bytes in idx form (LeCun, Cortes and Burges, the MNIST page): two zero bytes,
 * the type (8 is unsigned byte), the number of dimensions, each dimension as a big-endian int, then
 * the values.
 *
 * @param path plain, also where it came packed
 * @param shape sizes, outermost first
 */
@SuppressWarnings("ArrayRecordComponent") // private to the reader, never compared or changed
record IdxFile(Path path, int[] shape) {
  private static final int UNSIGNED_BYTE = 8;

  /** Of one dimension: a header that is garbage cannot overflow the product of three. */
  private static final int MAX_SIZE = 1 << 20;

  /**
   * Reads and checks the header. A file NAME.gz is taken where NAME is missing, and unpacked into a
   * temporary file that goes with the JVM, so that pictures can be read one by one.
   */
  static IdxFile open(DataFolder folder, String name, int dimensions) throws IOException {
    Path plain = folder.path().resolve(name);
    if (Files.isRegularFile(plain)) {
      return open(plain, plain, dimensions);
    }
    if (Files.isRegularFile(folder.path().resolve(name + ".gz"))) {
      Path packed = folder.path().resolve(name + ".gz");
      return open(unpacked(packed), packed, dimensions);
    }
    throw DataFaults.missing(plain, "this file or " + name + ".gz of " + folder.origin());
  }

  /** Where the values begin. */
  int headerBytes() {
    return Integer.BYTES * (1 + shape.length);
  }

  /** All values; for labels. */
  byte[] values() throws IOException {
    byte[] file = Files.readAllBytes(path);
    return Arrays.copyOfRange(file, headerBytes(), file.length);
  }

  private static IdxFile open(Path plain, Path named, int dimensions) throws IOException {
    int[] shape = new int[dimensions];
    long values = 1;
    try (DataInputStream input = new DataInputStream(Files.newInputStream(plain))) {
      int magic = input.readInt();
      int expected = UNSIGNED_BYTE << 8 | dimensions;
      if (magic != expected) {
        throw DataFaults.damaged(
            named, "begins with 0x%08x".formatted(magic), "0x%08x".formatted(expected));
      }
      for (int i = 0; i < dimensions; i++) {
        shape[i] = input.readInt();
        if (shape[i] < 1 || shape[i] > MAX_SIZE) {
          throw DataFaults.damaged(named, "dimension of " + shape[i], "1.." + MAX_SIZE);
        }
        values *= shape[i];
      }
    } catch (EOFException e) {
      throw DataFaults.damaged(named, "ends in its header", "an idx file", e);
    }
    IdxFile file = new IdxFile(plain, shape);
    long bytes = Files.size(plain);
    if (bytes != file.headerBytes() + values) {
      throw DataFaults.damaged(
          named, bytes + " bytes", (file.headerBytes() + values) + " by its header");
    }
    return file;
  }

  private static Path unpacked(Path packed) throws IOException {
    Path plain = Files.createTempFile("perennial-", ".idx");
    plain.toFile().deleteOnExit();
    try (InputStream input = new GZIPInputStream(Files.newInputStream(packed))) {
      Files.copy(input, plain, StandardCopyOption.REPLACE_EXISTING);
    } catch (EOFException | ZipException e) {
      throw DataFaults.damaged(packed, "cannot be unpacked: " + e.getMessage(), "a gzip file", e);
    }
    return plain;
  }
}
