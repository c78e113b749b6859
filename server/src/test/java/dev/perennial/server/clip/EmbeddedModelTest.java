package dev.perennial.server.clip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class EmbeddedModelTest {
  private final ModelDirectory model = ModelDirectory.embedded();

  @Test
  void embedded_fromTheClasspath_isWhole() {
    ClipConfig config = model.config();
    assertEquals(32, config.imageSize());
    assertEquals(config.imageSize(), model.preprocessing().imageSize());
    assertEquals(config.vocabularySize() - 1, config.endOfTextId());
    assertTrue(model.weights().containsKey("logit_scale"));
    assertTrue(model.fingerprint().matches("[0-9a-f]{64}"));
    assertSame(model.fingerprint(), model.fingerprint());
    assertEquals(ModelDirectory.embedded().fingerprint(), model.fingerprint());
  }

  @Test
  void tokenizer_wordsOfTheWorld_areOneTokenAndOthersUnknown() {
    assertEquals(5 + 2, model.tokenizer().encode("a photo of a circle").length);
    assertEquals(List.of(), model.tokenizer().unknownWords("a photo of a red circle"));
    assertEquals(
        List.of("zebra", "Xylophone"), model.tokenizer().unknownWords("a zebra, a Xylophone"));
  }

  @Test
  void labelSet_unknownLabel_saysSo() {
    LabelSet labels =
        LabelSet.of(List.of("red circle", "zebra"), "a photo of a {}", model.tokenizer());
    assertEquals(List.of(List.of(), List.of("zebra")), labels.unknownWords());
  }
}
