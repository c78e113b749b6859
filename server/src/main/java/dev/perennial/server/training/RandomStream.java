package dev.perennial.server.training;

import java.util.SplittableRandom;

/**
 * One of the random sequences of a job. Each depends on the job's seed, its own purpose and a
 * number (an epoch, a class) only: so a job that continues after a crash draws what it would have
 * drawn.
 */
enum RandomStream {
  SPLIT(0x5157_4c49_5421_0001L),
  ORDER(0x4f52_4445_5221_0002L),
  SHIFT(0x5348_4946_5421_0003L);

  private final long purpose;

  RandomStream(long purpose) {
    this.purpose = purpose;
  }

  /** The sequence from its beginning. */
  SplittableRandom at(long seed, long number) {
    return new SplittableRandom(mix(mix(seed ^ purpose) + number));
  }

  /** 0 to size - 1, shuffled. */
  int[] permutation(long seed, long number, int size) {
    SplittableRandom random = at(seed, number);
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  /** David Stafford's mix 13: neighbouring seeds become unrelated. */
  private static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
