package dev.perennial.server.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvalResultsTest {
  private static JsonObject run(JsonObject json) {
    return json.getAsJsonObject("methods")
        .getAsJsonObject("diki")
        .getAsJsonArray("runs")
        .get(0)
        .getAsJsonObject();
  }

  private static String refusal(JsonObject json) {
    ServingException refused = assertThrows(ServingException.class, () -> EvalResults.of(json));
    assertEquals(ErrorCode.INVALID_ARGUMENT, refused.code());
    return String.valueOf(refused.getMessage());
  }

  @Test
  void of_matrixOfAnotherSize_isNamed() {
    JsonObject json = SampleResults.full(1);
    run(json).getAsJsonArray("matrix").remove(6);
    assertEquals("methods.diki.runs[0].matrix: 6 entries (expected: 7)", refusal(json));
  }

  @Test
  void of_numberThatIsNone_isNamed() {
    JsonObject json = SampleResults.full(1);
    run(json).getAsJsonArray("matrix").get(2).getAsJsonArray().set(3, json.get("suite"));
    assertEquals(
        "methods.diki.runs[0].matrix[2][3]: \"mini-mtil\" (expected: a number)", refusal(json));
  }

  @Test
  void of_partsThatMustBe_areNamed() {
    JsonObject json = SampleResults.full(1);
    json.add("tasks", new JsonArray());
    assertEquals("tasks: [] (expected: at least one task)", refusal(json));
    json.remove("tasks");
    assertEquals("tasks: absent (expected: a value)", refusal(json));
  }

  @Test
  void of_gateCountsOfTwoLengths_areNamed() {
    JsonObject json = SampleResults.full(1);
    run(json).getAsJsonObject("gate_weights").getAsJsonArray("out_of_domain").remove(0);
    assertEquals(
        "methods.diki.runs[0].gate_weights.out_of_domain: 19 entries (expected: 20)",
        refusal(json));
  }

  @Test
  void of_nestedConfig_isOpened() {
    EvalResults results = EvalResults.of(SampleResults.full(3));
    assertEquals("robust", results.config().get("training.recipe"));
    assertEquals("0, 1, 2", results.config().get("seeds"));
    assertEquals(3, results.seeds());
  }

  @Test
  void read_fileThatIsNoJson_isRefused(@TempDir Path dir) throws IOException {
    Path file = Files.writeString(dir.resolve("page.json"), "[1, 2");
    ServingException refused = assertThrows(ServingException.class, () -> ResultsPage.read(file));
    assertTrue(String.valueOf(refused.getMessage()).contains("page.json"));
    Path list = Files.writeString(dir.resolve("list.json"), "[1, 2]");
    assertThrows(ServingException.class, () -> ResultsPage.read(list));
  }
}
