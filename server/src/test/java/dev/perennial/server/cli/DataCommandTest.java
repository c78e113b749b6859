package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class DataCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void miniMtil_oneShot_picturesOfAllClasses(@TempDir Path folder) throws IOException {
    assertEquals(
        0, execute("mini-mtil", "--out", folder.toString(), "--shots", "1", "--test", "1"));
    try (Stream<Path> files = Files.walk(folder)) {
      long pictures = files.filter(file -> file.toString().endsWith(".png")).count();
      assertEquals(2 * 75 + 7, pictures); // and a sheet for each task
    }
    assertTrue(out.toString().contains("a handwritten digit {}"), out.toString());
  }

  @Test
  void miniMtil_noShots_usageErrorThatSaysWhatIsExpected(@TempDir Path folder) {
    assertEquals(2, execute("mini-mtil", "--out", folder.toString(), "--shots", "0"));
    assertTrue(err.toString().contains("at least 1 of each"), err.toString());
  }

  @Test
  void data_noSet_usageError() {
    assertEquals(2, execute());
    assertTrue(err.toString().contains("a data set is missing"), err.toString());
  }

  private int execute(String... args) {
    return new CommandLine(new DataCommand())
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(args);
  }
}
