package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.method.MethodTable;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EvalRowTest {
  private static final ClipConfig MODEL = Pictures.ENGINE.directory().config();

  @Test
  void parse_optionsOfTheRow_comeBeforeTheCommonOnes() {
    EvalRow row = parse("diki:recipe=official:depth=2", Map.of("depth", "1", "prefix-length", "4"));
    assertEquals("diki:recipe=official:depth=2", row.name());
    assertEquals("diki", row.kind().name());
    assertEquals("official", row.options().get("recipe"));
    assertEquals("2", row.options().get("depth"));
    assertEquals("4", row.options().get("prefix-length"));
  }

  @Test
  void parse_nothingGiven_defaultsAreTheServers() {
    Map<String, String> options = parse("diki", Map.of()).options();
    assertEquals("robust", options.get("recipe"));
    assertEquals("robust", options.get("gate"));
    assertEquals("zero", options.get("values"));
    assertEquals("3", options.get("depth"));
    assertEquals("8", options.get("prefix-length"));
    assertEquals("32", options.get("batch-size"));
    assertEquals("40.0", options.get("learning-rate"));
  }

  @Test
  void parse_commonOptionThatAMethodDoesNotKnow_isLeftAlone() {
    assertEquals(Map.of(), parse("zero-shot", Map.of("depth", "2")).options());
  }

  @ParameterizedTest
  @CsvSource({
    "dikki,one of [zero-shot",
    "diki:depht=2,diki:depht=2: depht=2",
    "diki:depth,option=value",
    "diki:depth=2:depth=3,each once",
    "diki:depth=0,an integer of at least 1",
    "diki:depth=x,an integer of at least 1",
    "diki:recipe=best,'[robust, official]'",
    "diki:learning-rate=0,learning-rate=0",
    "diki:depth=9,depth: 9 (expected: 1..4)",
    "zero-shot:depth=2,depth=2",
    "diki:seeds=0,seeds=0"
  })
  void parse_wrong_namesTheFault(String text, String fault) {
    ServingException refusal = assertThrows(ServingException.class, () -> parse(text, Map.of()));
    String message = String.valueOf(refusal.getMessage());
    assertTrue(message.contains(fault), message);
  }

  @Test
  void parse_numberOfSeeds_isNotPartOfTheName() {
    assertEquals("diki:depth=2", parse("diki:seeds=1:depth=2", Map.of()).name());
  }

  @Test
  void seedsOf_firstSeedsOnly() {
    assertEquals(List.of(4L), parse("zero-shot:seeds=1", Map.of()).seedsOf(List.of(4L, 5L)));
    assertEquals(List.of(4L, 5L), parse("zero-shot:seeds=9", Map.of()).seedsOf(List.of(4L, 5L)));
    assertEquals(List.of(4L, 5L), parse("zero-shot", Map.of()).seedsOf(List.of(4L, 5L)));
  }

  private static EvalRow parse(String text, Map<String, String> common) {
    return EvalRow.parse(text, MethodTable.kinds(), common, MODEL);
  }
}
