package dev.perennial.server.gaussian;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FeatureStatisticsTest {
  private static final Rows ROWS = Rows.random(1, 203, 24, 7);

  @Test
  void plus_anyShufflingAndSharding_sameBits() {
    FeatureStatistics whole = ROWS.statistics();
    for (int seed = 0; seed < 50; seed++) {
      List<FeatureStatistics> shards = shards(new Random(seed));
      assertEquals(whole, mergedInRandomOrder(shards, new Random(seed)), "seed " + seed);
    }
  }

  private static List<FeatureStatistics> shards(Random random) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, ROWS.size()).boxed().toList());
    Collections.shuffle(order, random);
    List<FeatureStatistics> shards = new ArrayList<>();
    for (int start = 0; start < order.size(); ) {
      int end = Math.min(order.size(), start + 1 + random.nextInt(40));
      int[] rows = order.subList(start, end).stream().mapToInt(r -> r).toArray();
      shards.add(ROWS.pick(rows).statistics());
      start = end;
    }
    return shards;
  }

  private static FeatureStatistics mergedInRandomOrder(
      List<FeatureStatistics> shards, Random random) {
    List<FeatureStatistics> left = new ArrayList<>(shards);
    while (left.size() > 1) {
      Collections.shuffle(left, random);
      left.add(left.remove(0).plus(left.remove(0)));
    }
    return left.get(0);
  }

  @Test
  void minus_whatWasAdded_sameBitsAsBefore() {
    FeatureStatistics before = ROWS.statistics();
    FeatureStatistics other = Rows.random(2, 60, 24, 7).statistics();
    FeatureStatistics after = before.plus(other).minus(other);
    assertEquals(before, after);
    assertEquals(before.hashCode(), after.hashCode());
    assertArrayEquals(before.mean(), after.mean(), 0);
    assertArrayEquals(before.covariance(), after.covariance(), 0);
    assertEquals(FeatureStatistics.empty(24, 7), before.minus(before));
    assertNotEquals(before, before.plus(other));
  }

  @Test
  void minus_whatWasNeverAdded_throws() {
    FeatureStatistics few = Rows.random(2, 3, 24, 7).statistics();
    assertThrows(IllegalArgumentException.class, () -> few.minus(ROWS.statistics()));
  }

  @Test
  void plus_otherDimensionOrClasses_throws() {
    FeatureStatistics statistics = ROWS.statistics();
    assertThrows(
        IllegalArgumentException.class, () -> statistics.plus(FeatureStatistics.empty(23, 7)));
    assertThrows(
        IllegalArgumentException.class, () -> statistics.plus(FeatureStatistics.empty(24, 8)));
  }

  @Test
  void of_sumsAgainstPlainLoops_equal() {
    int d = ROWS.dimension;
    long[] counts = new long[ROWS.classes];
    long[] sums = new long[ROWS.classes * d];
    long[] products = new long[d * (d + 1) / 2];
    for (int r = 0; r < ROWS.size(); r++) {
      long[] q = quantised(r);
      counts[ROWS.classOf[r]]++;
      for (int i = 0, at = 0; i < d; i++) {
        sums[ROWS.classOf[r] * d + i] += q[i];
        for (int j = i; j < d; j++, at++) {
          products[at] += q[i] * q[j];
        }
      }
    }
    FeatureStatistics statistics = ROWS.statistics();
    assertArrayEquals(counts, statistics.classCounts());
    assertArrayEquals(sums, statistics.classSums());
    assertArrayEquals(products, statistics.products());
    assertEquals(ROWS.size(), statistics.count());
    assertEquals(counts[3], statistics.count(3));
    assertEquals(statistics, FeatureStatistics.restore(d, counts, sums, products));
  }

  private static long[] quantised(int row) {
    long[] q = new long[ROWS.dimension];
    for (int i = 0; i < q.length; i++) {
      q[i] = Math.round((double) ROWS.features[row * ROWS.dimension + i] * 16384);
    }
    return q;
  }

  @Test
  void meanAndCovariance_againstBigDecimal_withinTwoRoundings() {
    int d = ROWS.dimension;
    FeatureStatistics statistics = ROWS.statistics();
    BigDecimal n = BigDecimal.valueOf(ROWS.size());
    BigDecimal scale = BigDecimal.valueOf(16384);
    BigDecimal[] mean = new BigDecimal[d];
    for (int i = 0; i < d; i++) {
      long sum = 0;
      for (int r = 0; r < ROWS.size(); r++) {
        sum += quantised(r)[i];
      }
      mean[i] = BigDecimal.valueOf(sum).divide(n.multiply(scale), MathContext.DECIMAL128);
      assertEquals(mean[i].doubleValue(), statistics.mean()[i], 1e-16);
    }
    double[] covariance = statistics.covariance();
    for (int i = 0, at = 0; i < d; i++) {
      for (int j = i; j < d; j++, at++) {
        BigDecimal sum = BigDecimal.ZERO;
        for (int r = 0; r < ROWS.size(); r++) {
          long[] q = quantised(r);
          BigDecimal x = BigDecimal.valueOf(q[i]).divide(scale).subtract(mean[i]);
          BigDecimal y = BigDecimal.valueOf(q[j]).divide(scale).subtract(mean[j]);
          sum = sum.add(x.multiply(y));
        }
        double expected =
            sum.divide(n.subtract(BigDecimal.ONE), MathContext.DECIMAL128).doubleValue();
        assertEquals(expected, covariance[at], Math.abs(expected) * 1e-15);
      }
    }
  }

  @Test
  void differenceOfProducts_againstBigInteger_withinTwoRoundings() {
    Random random = new Random(5);
    for (int i = 0; i < 20_000; i++) {
      long[] v = new long[4];
      for (int k = 0; k < 4; k++) {
        v[k] = random.nextLong() >> (2 + random.nextInt(60));
      }
      if (i % 3 == 0) { // nearly cancelling
        v[2] = v[0] + random.nextInt(3) - 1;
        v[3] = v[1];
      }
      BigInteger exact =
          BigInteger.valueOf(v[0])
              .multiply(BigInteger.valueOf(v[1]))
              .subtract(BigInteger.valueOf(v[2]).multiply(BigInteger.valueOf(v[3])));
      double actual = FeatureStatistics.differenceOfProducts(v[0], v[1], v[2], v[3]);
      assertEquals(
          exact.doubleValue(), actual, Math.abs(exact.doubleValue()) * 0x1p-51, Arrays.toString(v));
    }
  }

  @Test
  void restore_valuesAtTheBounds_acceptedAndSummed() {
    long n = FeatureStatistics.MAX_COUNT;
    long q = 16384;
    FeatureStatistics full =
        FeatureStatistics.restore(
            2,
            new long[] {n},
            new long[] {n * q, -n * q},
            new long[] {n * q * q, -n * q * q, n * q * q});
    assertArrayEquals(new double[] {1, -1}, full.mean(), 0);
    assertArrayEquals(new double[] {0, 0, 0}, full.covariance(), 0);
    assertThrows(IllegalArgumentException.class, () -> full.plus(full));
  }

  @Test
  void restore_impossibleValues_throwsAndNamesThem() {
    long[] counts = {1};
    long[] sums = {0, 0};
    long[] products = {0, 0, 0};
    assertNames("count of class 0", new long[] {-1}, sums, products);
    assertNames("sum 1 of class 0", counts, new long[] {0, 1 << 20}, products);
    assertNames("sum 0 of class 0", counts, new long[] {Long.MIN_VALUE, 0}, products);
    assertNames("product 1,1", counts, sums, new long[] {0, 0, -1});
    assertNames("product 0,1", counts, sums, new long[] {0, Long.MAX_VALUE, 0});
    assertNames("class sums", counts, new long[] {0}, products);
    assertNames("products", counts, sums, new long[] {0});
  }

  private static void assertNames(String what, long[] counts, long[] sums, long[] products) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> FeatureStatistics.restore(2, counts, sums, products));
    assertTrue(e.toString().contains(" " + what + ":"), e.toString());
  }

  @Test
  void of_notFiniteOrFarFromNormalised_throwsAndNamesTheRow() {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, 2}) {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> FeatureStatistics.of(new float[] {0, 1, 0, bad}, 2, new int[] {0, 0}, 1));
      assertTrue(e.toString().contains(" feature 1 of row 1"), e.toString());
    }
  }

  @Test
  void of_classOutOfRangeOrWrongLength_throws() {
    assertThrows(
        IllegalArgumentException.class,
        () -> FeatureStatistics.of(new float[2], 2, new int[] {1}, 1));
    assertThrows(
        IllegalArgumentException.class,
        () -> FeatureStatistics.of(new float[3], 2, new int[] {0}, 1));
  }

  @Test
  void arrays_changedByTheCaller_statisticsUnchanged() {
    FeatureStatistics statistics = ROWS.statistics();
    statistics.classCounts()[0] = 99;
    statistics.classSums()[0] = 99;
    statistics.products()[0] = 99;
    assertEquals(ROWS.statistics(), statistics);
  }
}
