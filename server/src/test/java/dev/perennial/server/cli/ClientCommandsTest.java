package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.config.DurationText;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What the client commands make of their words, up to the point where they need a server. */
class ClientCommandsTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(Object command, String... words) {
    return line(command).execute(words);
  }

  private CommandLine line(Object command) {
    return new CommandLine(command)
        .registerConverter(Duration.class, DurationText::parse)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .setExecutionExceptionHandler(
            (failure, command1, parsed) -> {
              err.append(failure.toString());
              return CommandLine.ExitCode.SOFTWARE;
            });
  }

  @ParameterizedTest
  @ValueSource(classes = {TrainCommand.class, ClassifyCommand.class, BenchCommand.class})
  void options_all_sayWhatTheyAreAndWhatTheDefaultIs(Class<?> command) throws Exception {
    CommandLine line = line(command.getDeclaredConstructor().newInstance());
    for (OptionSpec option : line.getCommandSpec().options()) {
      String name = command.getSimpleName() + " " + option.longestName();
      assertEquals(1, option.description().length, name);
      String text = option.description()[0];
      boolean chosenOnce = option.group() != null && option.group().multiplicity().min() == 1;
      assertTrue(
          option.initialValue() != null
              || option.required()
              || chosenOnce
              || text.contains("default:")
              || text.contains("needed"),
          name + ": " + text);
    }
  }

  @Test
  void train_withoutTaskOrWatch_isRefused() {
    assertEquals(2, run(new TrainCommand(), "--target", "localhost:1"));
    assertTrue(err.toString().contains("--task and --data, or --watch, are missing"));
  }

  @Test
  void train_noImages_namesTheFolder(@TempDir Path directory) {
    assertEquals(
        1,
        run(
            new TrainCommand(),
            "--target",
            "localhost:1",
            "--task",
            "x",
            "--data",
            directory.toString()));
    assertTrue(err.toString().contains(directory + ": no images"), err::toString);
  }

  @Test
  void train_unknownRecipe_isRefused() {
    assertEquals(2, run(new TrainCommand(), "--target", "x", "--task", "x", "--recipe", "magic"));
    assertTrue(err.toString().contains("ROBUST, OFFICIAL"), err::toString);
  }

  @Test
  void classify_withoutLabels_isRefused() {
    assertEquals(2, run(new ClassifyCommand(), "--target", "localhost:1", "a.png"));
    assertTrue(err.toString().contains("--labels"), err::toString);
  }

  @Test
  void classify_twoKindsOfLabels_isRefused() {
    assertEquals(
        2, run(new ClassifyCommand(), "--target", "x", "--task", "a", "--labels", "b", "a.png"));
    assertTrue(err.toString().contains("mutually exclusive"), err::toString);
  }

  @Test
  void classify_templateWithTask_isRefused(@TempDir Path directory) throws Exception {
    Path file = Files.createFile(directory.resolve("a.png"));
    assertEquals(
        2,
        run(
            new ClassifyCommand(),
            "--target",
            "localhost:1",
            "--task",
            "a",
            "--template",
            "a {}",
            file.toString()));
    assertTrue(err.toString().contains("--template"), err::toString);
  }

  @Test
  void bench_badDuration_isRefused() {
    assertEquals(2, run(new BenchCommand(), "--duration", "soon"));
    assertTrue(err.toString().contains("--duration"), err::toString);
  }
}
