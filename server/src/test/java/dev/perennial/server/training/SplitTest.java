package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SplitTest {

  @ParameterizedTest
  @CsvSource({
    "1,0.5,0",
    "4,0.5,0",
    "5,0.1,1",
    "50,0.1,5",
    "5,0.5,3",
    "50,0,0",
    "16,0.1,2",
    "5,0.001,1"
  })
  void heldOut_shareOfLargeEnoughClasses(int examples, float share, int held) {
    assertEquals(held, Split.heldOut(examples, share));
  }

  @Test
  void of_everyClass_hasItsShareAndNothingIsLostOrDoubled() {
    int[] classOf = new int[100];
    for (int i = 0; i < 100; i++) {
      classOf[i] = i < 60 ? 0 : i < 97 ? 1 : 2;
    }
    Split split = Split.of(classOf, 3, 0.2f, 5);
    int[] all =
        IntStream.concat(Arrays.stream(split.training()), Arrays.stream(split.validation()))
            .sorted()
            .toArray();
    assertArrayEquals(IntStream.range(0, 100).toArray(), all);
    int[] held = new int[3];
    for (int i : split.validation()) {
      held[classOf[i]]++;
    }
    assertArrayEquals(new int[] {12, 7, 0}, held);
  }

  @Test
  void of_seed_decides() {
    int[] classOf = new int[100];
    int[] first = Split.of(classOf, 1, 0.2f, 5).validation();
    assertArrayEquals(first, Split.of(classOf, 1, 0.2f, 5).validation());
    assertFalse(Arrays.equals(first, Split.of(classOf, 1, 0.2f, 6).validation()));
  }
}
