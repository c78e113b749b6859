package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.RandomClip;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleTest {
  private static final ClipConfig MODEL = RandomClip.tiny();
  private static final int EXAMPLES = 40;

  /** Two classes in turn; each picture is its own number everywhere. */
  private static final ExampleSet NUMBERED =
      new ExampleSet() {
        @Override
        public int size() {
          return EXAMPLES;
        }

        @Override
        public int classOf(int index) {
          return index % 2;
        }

        @Override
        public float[] pixels(int index) {
          float[] pixels = new float[3 * MODEL.imageSize() * MODEL.imageSize()];
          Arrays.fill(pixels, index);
          return pixels;
        }
      };

  private static Schedule schedule(long seed, TrainingSpec.Recipe recipe) {
    TrainingOptions options =
        new TrainingOptions(recipe, null, seed, null, null, null, 8, 2f, 0.1f);
    return new Schedule(
        TrainingSpec.resolve("task", List.of("a", "b"), "", "r", options, MODEL),
        NUMBERED,
        MODEL.imageSize());
  }

  private static List<Integer> shown(Schedule schedule, int epoch) {
    List<Integer> shown = new ArrayList<>();
    Schedule.Epoch batches = schedule.epoch(epoch);
    for (int b = 0; b < schedule.stepsPerEpoch(); b++) {
      Schedule.Batch batch = batches.batch(b);
      for (int i = 0; i < batch.classes().length; i++) {
        int number = Math.round(batch.pixels().get(i)[0]);
        assertEquals(number % 2, batch.classes()[i]);
        shown.add(number);
      }
    }
    return shown;
  }

  @Test
  void epoch_everyBatch_showsEachTrainingExampleOnceInItsOwnOrder() {
    Schedule schedule = schedule(1, TrainingSpec.Recipe.ROBUST);
    assertEquals(5, schedule.stepsPerEpoch()); // 36 of 40, by eights
    List<Integer> first = shown(schedule, 1);
    assertArrayEquals(
        schedule.split().training(), first.stream().mapToInt(Integer::intValue).sorted().toArray());
    assertEquals(first, shown(schedule(1, TrainingSpec.Recipe.ROBUST), 1));
    assertFalse(first.equals(shown(schedule, 2)));
    assertFalse(first.equals(shown(schedule(2, TrainingSpec.Recipe.ROBUST), 1)));
  }

  @Test
  void epochs_leftOpen_areTheRecipes() {
    assertEquals(40, schedule(1, TrainingSpec.Recipe.ROBUST).epochs());
    assertEquals(10, schedule(1, TrainingSpec.Recipe.OFFICIAL).epochs());
    assertEquals(50, schedule(1, TrainingSpec.Recipe.OFFICIAL).steps());
  }

  @Test
  void learningRate_overAllSteps_fallsAlongACosine() {
    Schedule schedule = schedule(1, TrainingSpec.Recipe.OFFICIAL);
    assertEquals(2, schedule.learningRate(0), 1e-6);
    assertEquals(1.001, schedule.learningRate(25), 1e-6);
    assertTrue(schedule.learningRate(49) < 0.005);
    assertEquals(0.002, schedule.learningRate(50), 1e-6);
  }

  /** The standard error of 0.9 among 60 is 0.0387. */
  @ParameterizedTest
  @CsvSource({
    "0.91,0.5,0.9,60,true",
    "0.9,0.5,0.9,60,true",
    "0.865,0.5,0.9,60,true",
    "0.86,0.5,0.9,60,false",
    "0.865,0.87,0.9,60,false",
    "0.865,0.5,0.9,600,false",
    "1,0.5,0.9,1,true",
    "0.99,0.5,1,10,false",
    "NaN,NaN,NaN,0,true"
  })
  void isBest_withinOneStandardErrorOfTheHighest(
      float accuracy, float start, float highest, int heldOut, boolean best) {
    assertEquals(best, Schedule.isBest(accuracy, start, highest, heldOut));
  }
}
