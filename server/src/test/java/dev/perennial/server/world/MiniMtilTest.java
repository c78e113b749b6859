package dev.perennial.server.world;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.MiniMtilTask.Split;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MiniMtilTest {
  @Test
  void tasks_all_sevenWithSeventyFiveClasses() {
    assertEquals(
        List.of("sketch", "digits", "textures", "counting", "letters", "signs", "thermal"),
        MiniMtil.tasks().stream().map(MiniMtilTask::name).toList());
    assertEquals(75, MiniMtil.tasks().stream().mapToInt(task -> task.classNames().size()).sum());
  }

  @Test
  void captions_all_wordsOfTheVocabulary() {
    Set<String> words = new HashSet<>(Phrases.words());
    for (MiniMtilTask task : MiniMtil.tasks()) {
      assertTrue(task.name().matches("[a-z][a-z0-9_-]{0,62}"), task.name());
      assertTrue(task.template().contains("{}"), task.template());
      assertEquals(task.classNames().size(), new HashSet<>(task.captions()).size());
      for (String caption : task.captions()) {
        assertTrue(words.containsAll(Phrases.split(caption)), caption);
      }
    }
  }

  @Test
  void images_protocolSeed_neverChange() {
    Map<String, String> expected =
        Map.of(
            "counting", "e0b899fd1307b545",
            "signs", "30ed7354dd7c0196",
            "textures", "4bdf3f06dffa7ee1",
            "thermal", "1812b4ff56301c22",
            "digits", "0c403015f968fcdd",
            "sketch", "1a602caf29e3d57c",
            "letters", "a6359d7fceadd7ea");
    Map<String, String> actual = new HashMap<>();
    for (MiniMtilTask task : MiniMtil.tasks()) {
      actual.put(task.name(), Fingerprints.of(pictures(task.images(Split.TEST, 3, MiniMtil.SEED))));
    }
    assertEquals(expected, actual);
  }

  @Test
  void images_anyNumber_sameOfEachClass() {
    for (MiniMtilTask task : MiniMtil.tasks()) {
      int[] counts = new int[task.classNames().size()];
      task.images(Split.TRAIN, 4, 1).forEach(image -> counts[image.classIndex()]++);
      for (int count : counts) {
        assertEquals(4, count, task.name());
      }
    }
  }

  @Test
  void images_largerNumber_startsWithTheSmaller() {
    MiniMtilTask task = MiniMtil.task("signs");
    List<RgbImage> few = pictures(task.images(Split.TRAIN, 2, 1));
    List<RgbImage> many = pictures(task.images(Split.TRAIN, 5, 1));
    assertEquals(Fingerprints.of(few), Fingerprints.of(many.subList(0, few.size())));
  }

  @Test
  void images_bothSplitsAndTwoSeeds_noPictureTwice() {
    for (MiniMtilTask task : MiniMtil.tasks()) {
      Set<ByteBuffer> seen = new HashSet<>();
      int pictures = 0;
      for (Split split : Split.values()) {
        for (long seed = 1; seed <= 2; seed++) {
          for (LabelledImage image : task.images(split, 10, seed)) {
            seen.add(ByteBuffer.wrap(image.image().rgb()));
            pictures++;
          }
        }
      }
      assertEquals(pictures, seen.size(), task.name());
    }
  }

  @Test
  void images_everyTask_neitherEmptyNorSaturated() {
    for (MiniMtilTask task : MiniMtil.tasks()) {
      for (LabelledImage image : task.images(Split.TRAIN, 10, 1)) {
        double sum = 0;
        double squares = 0;
        byte[] rgb = image.image().rgb();
        for (byte value : rgb) {
          double part = (value & 0xff) / 255.0;
          sum += part;
          squares += part * part;
        }
        double mean = sum / rgb.length;
        double deviation = Math.sqrt(squares / rgb.length - mean * mean);
        assertTrue(mean > .005 && mean < .995, () -> task + " mean " + mean);
        assertTrue(deviation > .01, () -> task + " deviation " + deviation);
      }
    }
  }

  @Test
  void images_digitsClassesDiffer_meanPicturesAreFarApart() {
    MiniMtilTask task = MiniMtil.task("digits");
    int classes = task.classNames().size();
    double[][] means = new double[classes][3 * Renderer.SIZE * Renderer.SIZE];
    for (LabelledImage image : task.images(Split.TRAIN, 40, 1)) {
      for (int i = 0; i < image.image().rgb().length; i++) {
        means[image.classIndex()][i] += (image.image().rgb()[i] & 0xff) / 40.0;
      }
    }
    for (int a = 0; a < classes; a++) {
      for (int b = 0; b < a; b++) {
        double distance = 0;
        for (int i = 0; i < means[a].length; i++) {
          distance += Math.abs(means[a][i] - means[b][i]) / means[a].length;
        }
        assertTrue(distance > 3, a + " and " + b + " differ by " + distance);
      }
    }
  }

  @Test
  void task_unknownName_namesTheKnownOnes() {
    IllegalArgumentException failure =
        assertThrows(IllegalArgumentException.class, () -> MiniMtil.task("birds"));
    assertTrue(String.valueOf(failure.getMessage()).contains("sketch"), failure.getMessage());
    assertNotEquals(MiniMtil.task("sketch"), MiniMtil.task("digits"));
  }

  private static List<RgbImage> pictures(List<LabelledImage> images) {
    return images.stream().map(LabelledImage::image).toList();
  }
}
