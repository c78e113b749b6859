package dev.perennial.server.gaussian;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DiscriminantHeadTest {
  private static final HeadConstants CONSTANTS = new HeadConstants(0.35, 0, 1);

  /** Many rows; fewer than dimensions; one of each class; a class without rows. */
  private static List<Rows> cases() {
    Rows some = Rows.random(6, 40, 9, 4);
    int[] firsts =
        IntStream.range(0, 4)
            .map(
                c ->
                    IntStream.range(0, 40).filter(r -> some.classOf[r] == c).findFirst().getAsInt())
            .toArray();
    int[] withoutClass2 = IntStream.range(0, 40).filter(r -> some.classOf[r] != 2).toArray();
    return List.of(
        Rows.random(1, 200, 12, 5),
        Rows.random(2, 14, 24, 3),
        Rows.random(3, 30, 8, 1),
        some.pick(firsts),
        some.pick(withoutClass2));
  }

  @Test
  void opinion_slowTwin_agrees() {
    for (Rows rows : cases()) {
      SlowHead slow = new SlowHead(rows);
      DiscriminantHead head = new DiscriminantHead(rows.statistics(), CONSTANTS);
      Rows asked = Rows.random(77, 6, rows.dimension, 2);
      for (int r = 0; r < asked.size(); r++) {
        int at = r * rows.dimension;
        DiscriminantHead.Opinion opinion = head.opinion(asked.features, at);
        double density = slow.logDensity(asked.features, at);
        assertEquals(density, opinion.logDensity(), 1e-8 * Math.max(1, Math.abs(density)));
        for (int c = 0; c < rows.classes; c++) {
          double expected = slow.logProbability(asked.features, at, CONSTANTS.tau(), c);
          assertEquals(
              expected, opinion.logProbabilities()[c], 1e-8 * Math.max(1, Math.abs(expected)));
        }
      }
    }
  }

  @Test
  void covariance_slowTwin_agrees() {
    for (Rows rows : cases()) {
      double[] packed = new WithinClasses(rows.statistics()).covariance();
      SlowHead slow = new SlowHead(rows);
      for (int i = 0, at = 0; i < rows.dimension; i++) {
        for (int j = i; j < rows.dimension; j++, at++) {
          assertEquals(slow.within[i][j], packed[at], 1e-14);
        }
      }
    }
  }

  @Test
  void statistics_shuffledShardsMerged_sameBits() {
    Rows rows = Rows.random(8, 90, 16, 4);
    Random random = new Random(9);
    byte[][] expected = bits(rows.statistics());
    for (int trial = 0; trial < 5; trial++) {
      List<Integer> order = new ArrayList<>(IntStream.range(0, 90).boxed().toList());
      Collections.shuffle(order, random);
      List<FeatureStatistics> shards = new ArrayList<>();
      for (int member = 0; member < 3; member++) {
        int[] shard =
            order.subList(30 * member, 30 * (member + 1)).stream().mapToInt(i -> i).toArray();
        shards.add(rows.pick(shard).statistics());
      }
      Collections.shuffle(shards, random);
      FeatureStatistics merged = shards.get(0).plus(shards.get(1)).plus(shards.get(2));
      assertArrayEquals(expected, bits(merged));
    }
  }

  @Test
  void statistics_addedAndTakenAway_sameBits() {
    Rows rows = Rows.random(10, 60, 10, 3);
    FeatureStatistics other = Rows.random(11, 25, 10, 3).statistics();
    assertArrayEquals(bits(rows.statistics()), bits(rows.statistics().plus(other).minus(other)));
  }

  /** Whatever the head of the statistics, constants by the formula, says of some images. */
  private static byte[][] bits(FeatureStatistics statistics) {
    int d = statistics.dimension();
    HeadConstants constants =
        HeadConstants.ofSums(statistics, new GateConstants(GateKind.ROBUST, 1, 2));
    DiscriminantHead head = new DiscriminantHead(statistics, constants);
    Rows asked = Rows.random(12, 5, d, 2);
    byte[][] result = new byte[asked.size()][];
    for (int r = 0; r < asked.size(); r++) {
      DiscriminantHead.Opinion opinion = head.opinion(asked.features, r * d);
      java.nio.ByteBuffer buffer =
          java.nio.ByteBuffer.allocate(Double.BYTES * (1 + opinion.logProbabilities().length));
      buffer.putDouble(opinion.logDensity());
      Arrays.stream(opinion.logProbabilities()).forEach(buffer::putDouble);
      result[r] = buffer.array();
    }
    return result;
  }

  @Test
  void logProbabilities_ownRows_tellTheClasses() {
    Rows rows = Rows.random(13, 300, 16, 4);
    DiscriminantHead head = new DiscriminantHead(rows.statistics(), CONSTANTS);
    Rows fresh = Rows.random(13, 400, 16, 4); // the first 300 are the same rows, then new ones
    int right = 0;
    for (int r = 300; r < 400; r++) {
      double[] h = head.opinion(fresh.features, r * 16).logProbabilities();
      int best = IntStream.range(0, 4).reduce(0, (a, b) -> h[b] > h[a] ? b : a);
      right += best == fresh.classOf[r] ? 1 : 0;
      assertEquals(1, Arrays.stream(h).map(Math::exp).sum(), 1e-12);
    }
    assertTrue(right > 90, "right of 100: " + right);
  }

  @Test
  void constructor_noRows_refused() {
    FeatureStatistics none = FeatureStatistics.empty(4, 2);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> new DiscriminantHead(none, CONSTANTS));
    assertEquals("rows of a discriminant: 0 (expected: at least 1)", e.getMessage());
  }
}
