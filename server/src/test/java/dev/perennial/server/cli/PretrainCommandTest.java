package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class PretrainCommandTest {
  @Test
  void options_defaults_areThoseOfTheBuiltInModel() {
    CommandLine command = new CommandLine(new PretrainCommand());
    Map<String, String> expected =
        Map.of(
            "--steps", "4000",
            "--batch-size", "128",
            "--learning-rate", "0.001",
            "--seed", "0",
            "--report-every", "500",
            "--device", "cpu");
    expected.forEach(
        (option, value) ->
            assertEquals(
                value, command.getCommandSpec().findOption(option).defaultValueString(), option));
  }

  @Test
  void pretrain_noSteps_usageError(@TempDir Path folder) {
    StringWriter err = new StringWriter();
    int code =
        new CommandLine(new PretrainCommand())
            .setErr(new PrintWriter(err, true))
            .execute("--out", folder.toString(), "--steps", "0");
    assertEquals(2, code);
    assertTrue(err.toString().contains("steps: 0 (expected: at least 1)"), err.toString());
  }
}
