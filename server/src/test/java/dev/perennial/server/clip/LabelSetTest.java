package dev.perennial.server.clip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LabelSetTest {
  /** One token a character; words with an x are unknown. */
  static final Tokenizer TOKENIZER =
      new Tokenizer() {
        @Override
        public int[] encode(String text) {
          return text.chars().toArray();
        }

        @Override
        public List<String> unknownWords(String text) {
          return List.of(text.split(" ", -1)).stream().filter(word -> word.contains("x")).toList();
        }
      };

  private static LabelSet of(String... labels) {
    return LabelSet.of(List.of(labels), "a {}", TOKENIZER);
  }

  private static void assertRefused(
      String reason, String field, List<String> labels, String template) {
    ServingException e =
        assertThrows(ServingException.class, () -> LabelSet.of(labels, template, TOKENIZER));
    assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
    assertEquals(reason, e.reason());
    assertEquals(field, e.field());
  }

  @Test
  void of_goodLabels_givesOnePromptEach() {
    LabelSet set = LabelSet.of(List.of("b", "😀 xa", "a"), "<{}>", TOKENIZER);

    assertEquals(List.of("b", "😀 xa", "a"), set.labels());
    assertEquals(new LabelSet.Prompt("<b>", 0, List.of(60, 98, 62)), set.prompts().get(0));
    assertEquals(new LabelSet.Prompt("<a>", 2, List.of(60, 97, 62)), set.prompts().get(2));
    assertEquals(List.of(List.of(), List.of("xa"), List.of()), set.unknownWords());
  }

  @Test
  void of_labelWithPlaceholder_isJustText() {
    assertEquals("a {} {}", of("{} {}").prompts().get(0).text());
    assertEquals("a $1\\", of("$1\\").prompts().get(0).text());
  }

  @Test
  void of_badLabels_areRefusedByTheirPlace() {
    String labels = "label_set.explicit.labels";
    assertRefused("LABEL_COUNT", labels, List.of(), "{}");
    assertRefused("BAD_LABEL", labels + "[1]", List.of("a", " \t"), "{}");
    assertRefused("BAD_LABEL", labels + "[0]", List.of(""), "{}");
    assertRefused("DUPLICATE_LABEL", labels + "[2]", List.of("a", "b", "a"), "{}");
    assertRefused("BAD_LABEL", labels + "[0]", List.of("a".repeat(1_025)), "{}");
    List<String> many = new ArrayList<>(IntStream.range(0, 10_001).mapToObj(i -> "l" + i).toList());
    assertRefused("LABEL_COUNT", labels, many, "{}");
    many.remove(0);
    assertEquals(10_000, LabelSet.of(many, "{}", TOKENIZER).prompts().size());
    assertEquals(1, of("a".repeat(1_024)).labels().size());
    assertEquals(2, of("a", " a").labels().size());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a photo", "{} and {}", "{{}}{}", "{ }", "{}{}"})
  void of_badTemplate_isRefused(String template) {
    assertRefused("BAD_TEMPLATE", "label_set.explicit.template", List.of("a"), template);
  }

  @Test
  void equals_sameContent_isTheSameKey() {
    assertEquals(of("a", "b"), of("a", "b"));
    assertEquals(of("a", "b").hashCode(), of("a", "b").hashCode());
    assertNotEquals(of("a", "b"), of("b", "a"));
    assertNotEquals(of("a"), LabelSet.of(List.of("a"), "b {}", TOKENIZER));
  }

  @Test
  void constructor_labelWithoutPrompt_isRefused() {
    List<List<String>> none = List.of(List.of(), List.of());
    List<LabelSet.Prompt> prompts = List.of(new LabelSet.Prompt("a", 0, List.of(1)));
    assertThrows(
        IllegalArgumentException.class, () -> new LabelSet(List.of("a", "b"), prompts, none));
    assertThrows(IllegalArgumentException.class, () -> new LabelSet(List.of("a"), prompts, none));
  }
}
