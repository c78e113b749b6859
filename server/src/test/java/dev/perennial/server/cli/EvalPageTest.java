package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code perennial eval --from-json}: a page of earlier results, without measuring anything. */
class EvalPageTest {
  private static final String RESULTS =
      """
      {"suite": "made up", "tasks": [{"name": "one"}, {"name": "two"}],
       "methods": {"diki": {"last": 62.5, "runs": [{"seed": 0, "matrix": [[50, 40], [60, 65]]}]}}}
      """;

  @TempDir Path directory;

  private final StringBuilder failures = new StringBuilder();

  private int eval(String... options) {
    return new CommandLine(new EvalCommand())
        .setExecutionExceptionHandler(
            (failure, command, parsed) -> {
              failures.append(failure.getMessage());
              return CommandLine.ExitCode.SOFTWARE;
            })
        .execute(options);
  }

  @Test
  void eval_resultsOfAFile_makesThePage() throws IOException {
    Path results = Files.writeString(directory.resolve("results.json"), RESULTS);
    Path page = directory.resolve("page.html");
    assertEquals(0, eval("--from-json", results.toString(), "--html", page.toString()));
    assertTrue(Files.readString(page).contains("made up"));
    assertTrue(Files.readString(page).contains("62.5"));
  }

  @Test
  void eval_noFileForThePage_saysWhatIsMissing() throws IOException {
    Path results = Files.writeString(directory.resolve("results.json"), RESULTS);
    assertEquals(1, eval("--from-json", results.toString()));
    assertEquals("html: absent (expected: a file, with --from-json)", failures.toString());
  }

  @Test
  void eval_resultsThatAreNone_areNamed() throws IOException {
    Path results = Files.writeString(directory.resolve("results.json"), "{\"suite\": \"none\"}");
    Path page = directory.resolve("page.html");
    assertEquals(1, eval("--from-json", results.toString(), "--html", page.toString()));
    assertEquals("tasks: absent (expected: a value)", failures.toString());
    assertFalse(Files.exists(page));
  }
}
