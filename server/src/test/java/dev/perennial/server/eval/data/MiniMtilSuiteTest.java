package dev.perennial.server.eval.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import dev.perennial.server.world.MiniMtilTask.Split;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class MiniMtilSuiteTest {
  private final MiniMtilSuite suite = new MiniMtilSuite(2);

  @Test
  void tasks_sevenInTheOrderTheyAreTaught() {
    assertEquals("mini-mtil", suite.name());
    assertEquals(
        List.of("sketch", "digits", "textures", "counting", "letters", "signs", "thermal"),
        suite.tasks());
  }

  @Test
  void task_shotsAndSeed_theWorldsPictures() throws IOException {
    MiniMtilTask drawn = MiniMtil.task("digits");
    TaskData task = suite.task("digits", 3, 5);
    assertEquals(drawn.classNames(), task.classNames());
    assertEquals("a handwritten digit {}", task.template());
    assertSamePictures(drawn.images(Split.TRAIN, 3, 5), task.train());
    assertSamePictures(drawn.images(Split.TEST, 2, MiniMtil.SEED), task.test());
  }

  @Test
  void task_allShots_fiftyOfEachClass() {
    assertEquals(
        MiniMtil.TRAIN_PER_CLASS * 10, suite.task("digits", 0, MiniMtil.SEED).train().size());
  }

  @Test
  void task_anotherSeed_otherTrainingPicturesAndTheSameTestPictures() throws IOException {
    TaskData one = suite.task("digits", 1, 0);
    TaskData other = suite.task("digits", 1, 1);
    assertEquals(one.test(), other.test());
    assertTrue(
        !java.util.Arrays.equals(
            one.train().get(0).picture().encoded(), other.train().get(0).picture().encoded()));
  }

  @Test
  void encoded_askedTwice_theSameBytes() throws IOException {
    PictureSource picture = suite.task("digits", 1, 0).train().get(0).picture();
    assertSame(picture.encoded(), picture.encoded());
  }

  @Test
  void task_unknown_saysWhichThereAre() {
    ServingException refused =
        assertThrows(ServingException.class, () -> suite.task("mnist", 1, 0));
    assertEquals("UNKNOWN_TASK", refused.reason());
    assertTrue(String.valueOf(refused.getMessage()).contains("sketch"), refused.getMessage());
  }

  @Test
  void task_negativeShots_refused() {
    assertEquals(
        "SHOTS", assertThrows(ServingException.class, () -> suite.task("digits", -1, 0)).reason());
  }

  @Test
  void suite_noTests_refused() {
    assertEquals(
        "TESTS", assertThrows(ServingException.class, () -> new MiniMtilSuite(0)).reason());
  }

  private static void assertSamePictures(List<LabelledImage> expected, List<LabelledPicture> actual)
      throws IOException {
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i).classIndex(), actual.get(i).classIndex());
      assertArrayEquals(expected.get(i).png(), actual.get(i).picture().encoded());
    }
  }
}
