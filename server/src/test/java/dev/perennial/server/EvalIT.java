package dev.perennial.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code perennial eval} as a whole: the server is the method, and a killed run goes on. */
@Timeout(600)
class EvalIT {
  private static final int TESTS_PER_CLASS = 5;
  private static final String TORCH_THREADS = "ai.djl.pytorch.num_threads";

  @TempDir Path directory;

  /** Three tasks, eight shots: what Train and Classify do is what the table says. */
  @ParameterizedTest
  @ValueSource(strings = {"task", "union"})
  void served_sameSetting_everyCellWithinOneTestImageOfOffline(String labels) throws Exception {
    List<String> setting =
        List.of(
            "--order=digits,counting,signs",
            "--shots=8",
            "--tests=" + TESTS_PER_CLASS,
            "--seeds=3",
            "--labels=" + labels,
            "--methods=diki:epochs=6");
    JsonObject offline = eval("offline.json", setting);
    List<String> served = new ArrayList<>(setting);
    served.add("--served");
    JsonObject online = eval("online.json", served);
    JsonArray tasks = offline.getAsJsonArray("tasks");
    double[][] expected = matrix(offline, "matrix");
    double[][] actual = matrix(online, "matrix");
    for (int j = 0; j < 3; j++) {
      for (int i = 0; i < 3; i++) {
        double images = tasks.get(i).getAsJsonObject().get("test_images").getAsDouble();
        assertEquals(expected[j][i], actual[j][i], 100.01 / images, "after " + j + ", task " + i);
      }
    }
    assertTrue(expected[2][2] > expected[0][2], "it learns");
    double[][] weights = matrix(offline, "mean_gate_weight");
    double[][] servedWeights = matrix(online, "mean_gate_weight");
    for (int j = 0; j < 3; j++) {
      for (int i = 0; i < 3; i++) {
        assertEquals(weights[j][i], servedWeights[j][i], 1e-3);
      }
    }
  }

  /** Killed outright in the second of two methods; the next run does the rest. */
  @Test
  void killed_atAnyMoment_theNextRunGoesOnToTheSameResult() throws Exception {
    List<String> setting =
        List.of(
            "--order=digits,signs",
            "--shots=4",
            "--tests=" + TESTS_PER_CLASS,
            "--workers=1",
            "--methods=diki:epochs=3,iki:epochs=3:recipe=official");
    JsonObject whole = eval("whole.json", setting);
    Path json = directory.resolve("killed.json");
    killAt("iki:epochs=3:recipe=official, seed 0: 1 learnt", setting, json);
    assertFalse(Files.exists(json));
    Path state = directory.resolve("killed.json.state");
    assertTrue(Files.isDirectory(state));
    StringWriter out = new StringWriter();
    JsonObject goneOn = eval("killed.json", setting, out);
    // One more, or two, where the victim was faster than its end.
    assertTrue(
        Pattern.compile("[3-5] of 6 stages were done before").matcher(out.toString()).find(),
        out::toString);
    assertFalse(Files.exists(state), "nothing is left of a run that has ended");
    assertEquals(withoutTimes(whole), withoutTimes(goneOn));
  }

  @Test
  void state_ofOtherShots_isRefusedInOneLine() throws Exception {
    String state = "--state=" + directory.resolve("state");
    eval(
        "a.json",
        List.of("--order=digits", "--shots=2", "--tests=1", "--methods=zero-shot", state));
    StringWriter err = new StringWriter();
    String[] other = {
      "eval", "--order=digits", "--shots=3", "--tests=1", "--methods=zero-shot", state
    };
    assertEquals(1, Main.run(other, new PrintWriter(new StringWriter()), new PrintWriter(err)));
    assertTrue(err.toString().contains("shots 2 (expected: 3"), err::toString);
  }

  private JsonObject eval(String json, List<String> setting) throws Exception {
    return eval(json, setting, new StringWriter());
  }

  private JsonObject eval(String json, List<String> setting, StringWriter out) throws Exception {
    Path file = directory.resolve(json);
    StringWriter err = new StringWriter();
    assertEquals(
        0,
        Main.run(
            arguments(setting, file).toArray(new String[0]),
            new PrintWriter(out, true),
            new PrintWriter(err, true)),
        err::toString);
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  private static List<String> arguments(List<String> setting, Path json) {
    List<String> arguments = new ArrayList<>(List.of("eval", "--json=" + json));
    arguments.addAll(setting);
    return arguments;
  }

  private void killAt(String line, List<String> setting, Path json) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dai.djl.offline=true",
                // As this process has it by now: another number moves the last bits.
                "-D" + TORCH_THREADS + "=" + System.getProperty(TORCH_THREADS),
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
    command.addAll(arguments(setting, json));
    Process victim = new ProcessBuilder(command).redirectErrorStream(true).start();
    List<String> said = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(victim.getInputStream(), UTF_8))) {
      String next = lines.readLine();
      while (next != null && !next.contains(line)) {
        said.add(next);
        next = lines.readLine();
      }
      assertTrue(next != null, () -> "never said: " + said);
    } finally {
      victim.destroyForcibly().waitFor();
    }
  }

  /** Methods with their runs, but for what a clock says. */
  private static String withoutTimes(JsonObject result) {
    JsonObject methods = result.getAsJsonObject("methods");
    methods
        .keySet()
        .forEach(
            name -> {
              JsonObject method = methods.getAsJsonObject(name);
              method.remove("train_seconds");
              method.remove("train_images_per_second");
              method.getAsJsonArray("runs").forEach(run -> run.getAsJsonObject().remove("tasks"));
            });
    return methods.toString();
  }

  private static double[][] matrix(JsonObject result, String name) {
    JsonObject methods = result.getAsJsonObject("methods");
    JsonObject method = methods.getAsJsonObject(methods.keySet().iterator().next());
    JsonArray rows = method.getAsJsonArray("runs").get(0).getAsJsonObject().getAsJsonArray(name);
    double[][] matrix = new double[rows.size()][];
    for (int j = 0; j < matrix.length; j++) {
      JsonArray row = rows.get(j).getAsJsonArray();
      matrix[j] = new double[row.size()];
      int at = j;
      Arrays.setAll(matrix[j], i -> rows.get(at).getAsJsonArray().get(i).getAsDouble());
    }
    return matrix;
  }
}
