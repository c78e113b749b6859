package dev.perennial.server.pretraining;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ContrastiveTraining.AuxiliaryTask;
import dev.perennial.server.world.CaptionedScene;
import dev.perennial.server.world.CaptionedScene.Kind;
import dev.perennial.server.world.Glyph;
import dev.perennial.server.world.Phrases;
import dev.perennial.server.world.PretrainingWorld;
import dev.perennial.server.world.SeededRandom;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PretrainingBatchTest {
  private static final int SIZE = 64;

  private final Vocabulary vocabulary = new Vocabulary();

  @Test
  void of_sameArguments_sameBatch() {
    PretrainingBatch first = PretrainingBatch.of(vocabulary, 5, 17, SIZE, .2);
    PretrainingBatch second = PretrainingBatch.of(vocabulary, 5, 17, SIZE, .2);
    assertArrayEquals(first.pixels(), second.pixels());
    for (int i = 0; i < SIZE; i++) {
      assertArrayEquals(first.captions().get(i), second.captions().get(i));
    }
    for (int i = 0; i < first.prompts().size(); i++) {
      assertArrayEquals(first.prompts().get(i), second.prompts().get(i));
    }
  }

  @Test
  void of_nextStep_otherPictures() {
    float[] first = PretrainingBatch.of(vocabulary, 5, 17, SIZE, .2).pixels();
    float[] second = PretrainingBatch.of(vocabulary, 5, 18, SIZE, .2).pixels();
    assertFalse(Arrays.equals(first, second));
  }

  @Test
  void of_manyPictures_pixelsAreNormalised() {
    float[] pixels = PretrainingBatch.of(vocabulary, 5, 0, 256, 0).pixels();
    double sum = 0;
    double squares = 0;
    for (float pixel : pixels) {
      sum += pixel;
      squares += pixel * pixel;
    }
    double mean = sum / pixels.length;
    assertEquals(0, mean, .3);
    assertEquals(1, Math.sqrt(squares / pixels.length - mean * mean), .3);
  }

  @Test
  void tasks_everyTarget_promptNamesWhatIsSeen() {
    List<CaptionedScene> scenes =
        IntStream.range(0, 500)
            .mapToObj(i -> PretrainingWorld.any(SeededRandom.of(11, i), 0))
            .toList();
    List<String> prompts = AuxiliaryPrompts.texts(SeededRandom.of(12));
    List<AuxiliaryTask> tasks = AuxiliaryPrompts.tasks(scenes);
    assertEquals(4, tasks.size());
    for (int t = 0; t < tasks.size(); t++) {
      AuxiliaryTask task = tasks.get(t);
      assertTrue(task.images().length > 20, "task " + t);
      for (int i = 0; i < task.images().length; i++) {
        CaptionedScene scene = scenes.get(task.images()[i]);
        String prompt = prompts.get(task.firstPrompt() + task.targets()[i]);
        assertTrue(prompt.contains(truth(t, scene)), () -> prompt + " for " + scene.caption());
      }
    }
  }

  @Test
  void tasks_everyPrompt_inOneRange() {
    List<AuxiliaryTask> tasks =
        AuxiliaryPrompts.tasks(List.of(PretrainingWorld.any(SeededRandom.of(1), 1)));
    int place = 0;
    for (AuxiliaryTask task : tasks) {
      assertEquals(place, task.firstPrompt());
      place += task.promptCount();
    }
    assertEquals(AuxiliaryPrompts.texts(SeededRandom.of(1)).size(), place);
  }

  @Test
  void texts_manyDraws_wordsOfTheVocabulary() {
    Set<String> words = new HashSet<>(Phrases.words());
    for (int i = 0; i < 50; i++) {
      for (String prompt : AuxiliaryPrompts.texts(SeededRandom.of(i))) {
        assertTrue(words.containsAll(Phrases.split(prompt)), prompt);
      }
    }
  }

  private static String truth(int task, CaptionedScene scene) {
    Glyph glyph = scene.glyph();
    return switch (task) {
      case 0 -> glyph == null ? "?" : glyph.noun();
      case 1 -> scene.colour().word();
      case 2 -> PretrainingWorld.NUMBERS.get(scene.count());
      default -> scene.kind() == Kind.TEXTURE ? scene.texture().phrase() : "?";
    };
  }
}
