package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExamplePixelsTest {

  private static final long BYTES_EACH = (long) Float.BYTES * FakeHost.INPUTS;

  @TempDir Path directory;

  @Test
  void get_allFit_decodedOnce() throws Exception {
    assertEquals(3, decodedBy(3 * BYTES_EACH));
  }

  @Test
  void get_oneTooMany_decodedEachTime() throws Exception {
    assertEquals(12, decodedBy(3 * BYTES_EACH - 1));
  }

  /** How often three pictures are decoded when all are asked for four times. */
  private int decodedBy(long cacheBytes) throws Exception {
    Path file = directory.resolve("spool");
    try (Disk.Appender spool = Disk.REAL.create(file)) {
      for (int i = 0; i < 3; i++) {
        spool.append(SpoolRecord.encode(FakeHost.picture(0, i), "ant"));
      }
    }
    try (SpoolReader spool = SpoolReader.open(file, 3);
        FakeHost host = new FakeHost()) {
      ExamplePixels pixels = new ExamplePixels(spool, host::pixels, FakeHost.SIDE, cacheBytes);
      for (int round = 0; round < 4; round++) {
        List<float[]> all = pixels.get(new int[] {2, 0, 1}, 0, 3);
        assertArrayEquals(FakeHost.picture(0, 2).values(), all.get(0));
        assertArrayEquals(FakeHost.picture(0, 0).values(), all.get(1));
      }
      return host.decoded.get();
    }
  }
}
