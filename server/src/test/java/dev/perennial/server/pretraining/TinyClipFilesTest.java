package dev.perennial.server.pretraining;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ContrastiveTraining;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.image.RgbImage;
import dev.perennial.server.safetensors.TensorData;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import dev.perennial.server.world.PretrainingWorld;
import dev.perennial.server.world.SeededRandom;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written is read back by the loader that serves it, and means the same. */
class TinyClipFilesTest {
  @TempDir static Path folder;

  private static final Vocabulary VOCABULARY = new Vocabulary();

  private static List<TensorData> weights = List.of();
  private static ModelDirectory directory = ModelDirectory.embedded();

  @BeforeAll
  static void write() throws IOException {
    try (ContrastiveTraining training =
        ContrastiveTraining.start(TinyClip.config(VOCABULARY), "cpu", 3)) {
      weights = training.weights();
    }
    TinyClipFiles.write(folder, VOCABULARY, weights);
    directory = ModelDirectory.open(folder);
  }

  @Test
  void config_readBack_same() {
    assertEquals(TinyClip.config(VOCABULARY), directory.config());
  }

  @Test
  void weights_readBack_roundedToHalfPrecision() {
    assertEquals(weights.size(), directory.weights().size());
    for (TensorData weight : weights) {
      TensorData read = Objects.requireNonNull(directory.weights().get(weight.name()));
      assertEquals(weight.shape(), read.shape(), weight.name());
      float[] expected = weight.toFloats();
      float[] actual = read.toFloats();
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], actual[i], Math.abs(expected[i]) / 2048 + 1e-7f, weight.name());
      }
    }
  }

  @Test
  void tokenizer_captions_agreesWithPretraining() {
    Tokenizer tokenizer = directory.tokenizer();
    for (int i = 0; i < 1000; i++) {
      String caption = PretrainingWorld.any(SeededRandom.of(77, i), 0).caption();
      assertArrayEquals(VOCABULARY.encode(caption), tokenizer.encode(caption), caption);
      assertEquals(List.of(), tokenizer.unknownWords(caption));
    }
  }

  @Test
  void tokenizer_unknownWords_samePiecesAndReported() {
    String text = "a photo of a zebra and a reddish circle";
    assertArrayEquals(VOCABULARY.encode(text), directory.tokenizer().encode(text));
    assertEquals(List.of("zebra", "reddish"), directory.tokenizer().unknownWords(text));
  }

  @Test
  void preprocessing_picturesOfTheWorld_sameAsPretraining() {
    for (MiniMtilTask task : MiniMtil.tasks()) {
      RgbImage image = task.images(MiniMtilTask.Split.TEST, 1, 1).get(0).image();
      assertArrayEquals(
          TinyClip.pixels(List.of(image)), directory.preprocessing().pixels(image), 1e-6f);
    }
  }

  @Test
  void embedded_vocabulary_isTheWorldsOwn() {
    assertEquals(TinyClip.config(VOCABULARY), ModelDirectory.embedded().config());
    for (String word : VOCABULARY.words()) {
      assertArrayEquals(
          VOCABULARY.encode(word), ModelDirectory.embedded().tokenizer().encode(word), word);
    }
    assertTrue(ModelDirectory.embedded().tokenizer().unknownWords("a red star").isEmpty());
  }
}
