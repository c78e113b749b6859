package dev.perennial.server.eval.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShotsTest {
  /** 20 of class 0, then 20 of class 1, then 3 of class 2. */
  private final List<LabelledPicture> pictures =
      IntStream.range(0, 43)
          .mapToObj(i -> new LabelledPicture(() -> new byte[] {(byte) i}, i / 20))
          .toList();

  @Test
  void draw_zero_allOfThem() {
    assertEquals(pictures, Shots.draw(pictures, 3, 0, 1));
  }

  @Test
  void draw_sixteen_ofEachClassAndAllOfASmallOne() {
    List<LabelledPicture> drawn = Shots.draw(pictures, 3, 16, 1);
    assertEquals(List.of(16L, 16L, 3L), counts(drawn));
    assertEquals(drawn.size(), new HashSet<>(drawn).size());
  }

  @Test
  void draw_sameSeed_sameOnesInTheirOrder() {
    List<LabelledPicture> drawn = Shots.draw(pictures, 3, 4, 7);
    assertEquals(drawn, Shots.draw(pictures, 3, 4, 7));
    List<LabelledPicture> inOrder = new ArrayList<>(pictures);
    inOrder.retainAll(new HashSet<>(drawn));
    assertEquals(inOrder, drawn);
    assertNotEquals(drawn, Shots.draw(pictures, 3, 4, 8));
  }

  @Test
  void draw_fewerShots_subsetOfMore() {
    assertTrue(Shots.draw(pictures, 3, 16, 7).containsAll(Shots.draw(pictures, 3, 4, 7)));
  }

  @Test
  void draw_anotherClassBeside_sameOnesOfTheOthers() {
    List<LabelledPicture> without = Shots.draw(pictures.subList(0, 40), 2, 5, 7);
    assertEquals(without, Shots.draw(pictures, 3, 5, 7).subList(0, 10));
  }

  @Test
  void draw_manySeeds_everyPictureComesAboutAsOften() {
    Set<LabelledPicture> seen = new HashSet<>();
    int first = 0;
    for (int seed = 0; seed < 2000; seed++) {
      List<LabelledPicture> drawn = Shots.draw(pictures, 3, 1, seed);
      seen.addAll(drawn);
      first += drawn.get(0).equals(pictures.get(0)) ? 1 : 0;
    }
    assertEquals(43, seen.size());
    assertTrue(
        first > 60 && first < 140, "the first of 20, in 2000 draws: " + first); // 100 +- 4 sd
  }

  @Test
  void draw_negative_refused() {
    assertEquals(
        "SHOTS",
        assertThrows(ServingException.class, () -> Shots.draw(pictures, 3, -1, 0)).reason());
  }

  private static List<Long> counts(List<LabelledPicture> drawn) {
    return IntStream.range(0, 3)
        .mapToObj(c -> drawn.stream().filter(picture -> picture.classIndex() == c).count())
        .toList();
  }
}
