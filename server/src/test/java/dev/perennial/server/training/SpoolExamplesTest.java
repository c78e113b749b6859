package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpoolExamplesTest {

  private static final long BYTES_EACH = (long) Float.BYTES * FakeHost.INPUTS;

  @TempDir Path directory;

  @Test
  void pixels_allFit_decodedOnce() throws Exception {
    assertEquals(3, decodedBy(3 * BYTES_EACH));
  }

  @Test
  void pixels_oneTooMany_decodedEachTime() throws Exception {
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
      SpoolExamples examples =
          new SpoolExamples(spool, List.of("bee", "ant"), host::pixels, FakeHost.SIDE, cacheBytes);
      for (int round = 0; round < 4; round++) {
        for (int i = 2; i >= 0; i--) {
          assertArrayEquals(FakeHost.picture(0, i).values(), examples.pixels(i));
          assertEquals(1, examples.classOf(i));
        }
      }
      return host.decoded.get();
    }
  }
}
