package dev.perennial.server.clip;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import java.util.List;
import org.junit.jupiter.api.Test;

class TextsTest {
  private final ClipConfig highest = new Golden("quick-gelu").config; // ends with 49
  private final ClipConfig literal = new Golden("gelu-literal-end").config; // ends with 7

  @Test
  void of_differentLengths_cutAfterTheLastEnd() {
    Texts texts =
        Texts.of(List.of(new int[] {1, 9, 49, 49, 49}, new int[] {1, 5, 6, 49, 0}), highest);
    assertEquals(4, texts.length());
    assertArrayEquals(new int[] {2, 3}, texts.ends());
    assertArrayEquals(new long[] {1, 9, 49, 0, 1, 5, 6, 49}, texts.tokens());
  }

  @Test
  void of_highestIdRule_firstHighestIsRead() {
    // As argmax: no end of text at all is needed, and of equals the first counts.
    assertArrayEquals(new int[] {1}, Texts.of(List.of(new int[] {1, 30, 30, 2}), highest).ends());
  }

  @Test
  void of_literalRule_firstEndIsRead() {
    assertArrayEquals(new int[] {2}, Texts.of(List.of(new int[] {1, 30, 7, 7}), literal).ends());
  }

  @Test
  void of_literalRuleWithoutEnd_refused() {
    assertReason("NO_END_OF_TEXT", List.of(new int[] {1, 30, 8}), literal);
  }

  @Test
  void of_unknownToken_refused() {
    assertReason("UNKNOWN_TOKEN", List.of(new int[] {1, 50}), highest);
    assertReason("UNKNOWN_TOKEN", List.of(new int[] {-1, 49}), highest);
  }

  @Test
  void of_endBeyondTheContext_refused() {
    int[] text = new int[13];
    text[12] = 49;
    assertReason("TEXT_TOO_LONG", List.of(text), highest);
  }

  private static void assertReason(String reason, List<int[]> texts, ClipConfig config) {
    ServingException e = assertThrows(ServingException.class, () -> Texts.of(texts, config));
    assertEquals(reason, e.reason());
  }
}
