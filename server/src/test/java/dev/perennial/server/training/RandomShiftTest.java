package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RandomShiftTest {

  @Test
  void most_scalesWithTheSide() {
    assertEquals(2, RandomShift.most(32));
    assertEquals(14, RandomShift.most(224));
    assertEquals(0, RandomShift.most(8));
  }

  @Test
  void shift_downAndRight_edgesAreRepeated() {
    float[] image = {
      1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1
    };
    float[] moved = RandomShift.shift(image, 3, 1, 1);
    assertArrayEquals(
        new float[] {
          1, 1, 2, 1, 1, 2, 4, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 8, 9, 9, 8, 6, 6, 5
        },
        moved);
    assertArrayEquals(image, RandomShift.shift(image, 3, 0, 0));
  }

  /** Every distance in both directions, and none farther. */
  @Test
  void apply_many_allDistancesAndNoOther() {
    float[] image = new float[3 * 32 * 32];
    image[16 * 32 + 16] = 1;
    SplittableRandom random = new SplittableRandom(1);
    Set<Integer> places = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      float[] moved = RandomShift.apply(image, 32, random);
      for (int k = 0; k < moved.length; k++) {
        if (moved[k] == 1) {
          assertTrue(Math.abs(k / 32 - 16) <= 2 && Math.abs(k % 32 - 16) <= 2);
          places.add(k);
        }
      }
    }
    assertEquals(25, places.size());
  }
}
