package dev.perennial.server.eval.data;

import dev.perennial.server.world.SeededRandom;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * The few-shot setting: so many pictures of each class, drawn without replacement. A class with
 * fewer gives all it has (as in CoOp, IJCV 2022). Each class is drawn by a generator of its own
 * from (seed, class), so that fewer shots of one seed are a subset of more, and adding a class
 * changes no other. Stateless.
 */
final class Shots {
  private Shots() {}

  /**
   * The drawn pictures, in the order in which they came.
   *
   * @param shots of each class; 0 means all
   */
  static List<LabelledPicture> draw(
      List<LabelledPicture> pictures, int classes, int shots, long seed) {
    if (Suites.requireShots(shots) == 0) {
      return pictures;
    }
    BitSet drawn = new BitSet(pictures.size());
    List<List<Integer>> places = placesByClass(pictures, classes);
    for (int classIndex = 0; classIndex < classes; classIndex++) {
      markDrawn(places.get(classIndex), shots, SeededRandom.of(seed, classIndex), drawn);
    }
    return drawn.stream().mapToObj(pictures::get).toList();
  }

  private static List<List<Integer>> placesByClass(List<LabelledPicture> pictures, int classes) {
    List<List<Integer>> places = new ArrayList<>();
    for (int classIndex = 0; classIndex < classes; classIndex++) {
      places.add(new ArrayList<>());
    }
    for (int place = 0; place < pictures.size(); place++) {
      places.get(pictures.get(place).classIndex()).add(place);
    }
    return places;
  }

  /** The first steps of a Fisher-Yates shuffle. */
  private static void markDrawn(
      List<Integer> places, int shots, SeededRandom random, BitSet drawn) {
    for (int i = 0; i < Math.min(shots, places.size()); i++) {
      int chosen = i + random.nextInt(places.size() - i);
      drawn.set(places.get(chosen));
      places.set(chosen, places.get(i));
    }
  }
}
