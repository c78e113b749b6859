package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    return Main.run(args, new PrintWriter(out, true), new PrintWriter(err, true));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "serve",
        "tasks",
        "tasks list",
        "train",
        "classify",
        "data",
        "pretrain",
        "demo",
        "bench",
        "eval"
      })
  void help_everyCommand_isPrinted(String command) {
    assertEquals(0, run((command + " --help").split(" ")), err::toString);
    assertTrue(out.toString().contains("Usage: perennial " + command), out::toString);
    assertEquals("", err.toString());
  }

  @Test
  void version_ofTheProgramAndItsCommands_isPrinted() {
    assertEquals(0, run("--version"));
    assertEquals(0, run("serve", "--version"));
    assertTrue(out.toString().startsWith("perennial "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "frob", "serve --port x", "serve --frob", "tasks", "tasks show"})
  void usage_wrong_exitsWith2(String line) {
    assertEquals(2, run(line.isEmpty() ? new String[0] : line.split(" ")));
    assertFalse(err.toString().isBlank());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "serve --port 70000",
        "serve --devices tpu",
        "serve --max-batch-size 0",
        "serve --tls-cert x.pem",
        "eval --suite nowhere",
        "eval --suite mtil",
        "eval --data .",
        "eval --order nowhere",
        "eval --methods dikki",
        "eval --methods diki:gate=half",
        "eval --seeds 1,1",
        "eval --shots -1",
        "eval --workers -1",
        "eval --device tpu"
      })
  void setting_outOfBounds_exitsWith2AndOneLine(String line) {
    assertEquals(2, run(line.split(" ")));
    assertEquals(1, err.toString().lines().count(), err::toString);
    assertTrue(err.toString().contains("expected:"), err::toString);
  }

  @Test
  void failure_exitsWith1AndOneLine_withDebugItsTrace(@TempDir Path directory) {
    String missing = directory.resolve("missing").toString();
    assertEquals(1, run("serve", "--model", missing));
    assertEquals(1, err.toString().lines().count(), err::toString);
    assertTrue(err.toString().startsWith("perennial: "), err::toString);
    assertEquals(1, run("serve", "--model", missing, "--debug"));
    assertTrue(err.toString().contains("\tat "), err::toString);
  }
}
