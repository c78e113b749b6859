package dev.perennial.server.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What an older member makes of what a newer one says. */
class WireTest {
  private record Count(String of, int from) implements Question {
    @Override
    public Members.Level level() {
      return Members.Level.READ;
    }
  }

  private record Counted(int count) {}

  private static final Wire<Count> WIRE = new Wire<>(List.of(Count.class));

  private static String refused(String op, int format, String body) {
    String question = "{\"format\":%d,\"op\":\"%s\",\"body\":%s}".formatted(format, op, body);
    ServingException e =
        assertThrows(ServingException.class, () -> WIRE.question(question.getBytes(UTF_8)));
    assertEquals(ErrorCode.FAILED_PRECONDITION, e.code());
    assertEquals("UNKNOWN_REQUEST", e.reason());
    return String.valueOf(e.getMessage());
  }

  @Test
  void question_fieldsThatAreNotKnown_passedOver() {
    String newer =
        new String(WIRE.bytesOf(new Count("tasks", 3)), UTF_8)
            .replace("{\"format\"", "{\"trace\":[1],\"format\"")
            .replace("\"from\":3", "\"from\":3,\"until\":{\"epoch\":4}");
    assertEquals(new Count("tasks", 3), WIRE.question(newer.getBytes(UTF_8)));
  }

  @Test
  void question_thatIsNotKnown_isRefusedByName() {
    assertEquals(
        "request of another member: Sum in format %1$d (expected: one of format %1$d)"
            .formatted(Wire.FORMAT),
        refused("Sum", Wire.FORMAT, "{\"of\":\"tasks\"}"));
  }

  @Test
  void question_ofAnotherFormat_isRefusedWithBoth() {
    assertEquals(
        "request of another member: Count in format %d (expected: one of format %d)"
            .formatted(Wire.FORMAT + 1, Wire.FORMAT),
        refused("Count", Wire.FORMAT + 1, "[]"));
  }

  @Test
  void answer_fieldsThatAreNotKnown_passedOver() {
    byte[] answer = Wire.answer(new Counted(7));
    byte[] newer =
        new String(answer, UTF_8)
            .replace("\"count\":7", "\"share\":0.5,\"count\":7")
            .getBytes(UTF_8);
    assertEquals(new Counted(7), Wire.read(newer, Counted.class));
  }

  @Test
  void failure_ofACodeThatIsNotKnown_isInternalWithItsWords() {
    byte[] failure =
        new String(Wire.failure(new ServingException(ErrorCode.DATA_LOSS, "R", "words")), UTF_8)
            .replace("DATA_LOSS", "OUT_OF_TIME")
            .getBytes(UTF_8);
    ServingException e =
        assertThrows(ServingException.class, () -> Wire.read(failure, Counted.class));
    assertEquals(ErrorCode.INTERNAL, e.code());
    assertEquals("words", e.getMessage());
  }

  @Test
  void topic_thatIsNotKnown_isRefusedByName() {
    assertEquals(Members.Topic.POOL, Members.Topic.named("POOL"));
    ServingException e = assertThrows(ServingException.class, () -> Members.Topic.named("METRICS"));
    assertEquals(
        "topic of another member: METRICS (expected: one of [POOL, TRAINING])", e.getMessage());
  }
}
