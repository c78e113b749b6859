package dev.perennial.server.training;

import java.util.ArrayList;
import java.util.List;

/**
 * Which examples are trained on and which are held out to choose the best epoch: of each class with
 * at least five examples the given share, at least one. Which ones is drawn from the seed.
 *
 * @param training places among the examples, ascending
 * @param validation places among the examples, ascending
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record Split(int[] training, int[] validation) {

  /** Fewer are all needed for training. */
  static final int MIN_EXAMPLES_TO_HOLD_OUT = 5;

  /** How many of a class's examples are held out. */
  static int heldOut(int examples, float share) {
    if (share == 0 || examples < MIN_EXAMPLES_TO_HOLD_OUT) {
      return 0;
    }
    return Math.max(1, Math.round(examples * share));
  }

  /**
   * Draws which examples are held out.
   *
   * @param classOf per example its class
   * @param share of each class to hold out; 0 for none
   */
  public static Split of(int[] classOf, int classes, float share, long seed) {
    List<List<Integer>> examplesOf = new ArrayList<>();
    for (int c = 0; c < classes; c++) {
      examplesOf.add(new ArrayList<>());
    }
    for (int i = 0; i < classOf.length; i++) {
      examplesOf.get(classOf[i]).add(i);
    }
    boolean[] held = new boolean[classOf.length];
    int count = 0;
    for (int c = 0; c < classes; c++) {
      int[] order = RandomStream.SPLIT.permutation(seed, c, examplesOf.get(c).size());
      for (int k = 0; k < heldOut(order.length, share); k++) {
        held[examplesOf.get(c).get(order[k])] = true;
        count++;
      }
    }
    int[] training = new int[classOf.length - count];
    int[] validation = new int[count];
    int nextTraining = 0;
    int nextValidation = 0;
    for (int i = 0; i < classOf.length; i++) {
      if (held[i]) {
        validation[nextValidation++] = i;
      } else {
        training[nextTraining++] = i;
      }
    }
    return new Split(training, validation);
  }
}
