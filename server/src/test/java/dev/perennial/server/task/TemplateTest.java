package dev.perennial.server.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {
  @ParameterizedTest
  @CsvSource({"{},bee", "<{}>,<bee>", "a {} in {a field},a bee in {a field}"})
  void with_label_standsWhereThePlaceholderWas(String text, String expected) {
    assertEquals(expected, new Template(text).with("bee"));
  }

  @Test
  void with_labelWithPlaceholder_isJustText() {
    assertEquals("a {} $1\\.", new Template("a {}.").with("{} $1\\"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a photo", "{} and {}", "{{}}{}", "{ }", "{}{}"})
  void template_withoutOnePlaceholder_isRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> new Template(text));
    ServingException e =
        assertThrows(ServingException.class, () -> Template.checked(text, "spec.template", 10));
    assertEquals("BAD_TEMPLATE", e.reason());
    assertEquals("spec.template", e.field());
  }

  @Test
  void checked_length_isBounded() {
    assertEquals("12345678a", Template.checked("12345678{}", "template", 10).with("a"));
    ServingException e =
        assertThrows(ServingException.class, () -> Template.checked("12345678{}", "template", 9));
    assertEquals(
        "template: \"12345678{}\" (expected: {} once, at most 9 characters)", e.getMessage());
  }

  @Test
  void checked_longTemplate_isCutInTheMessageBetweenCharacters() {
    String text = "x".repeat(79) + "🦜".repeat(1_000);
    ServingException e =
        assertThrows(ServingException.class, () -> Template.checked(text, "template", 100));
    String shown = "\"" + "x".repeat(79) + "...\"";
    assertEquals(
        "template: " + shown + " (expected: {} once, at most 100 characters)", e.getMessage());
  }
}
