package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PoissonArrivalsTest {
  private static final int COUNT = 100_000;
  private static final double RATE = 500;

  @Test
  void next_manyArrivals_gapsAreExponential() {
    PoissonArrivals arrivals = new PoissonArrivals(RATE, 7);
    double sum = 0;
    double squares = 0;
    int longGaps = 0;
    long before = 0;
    for (int i = 0; i < COUNT; i++) {
      long now = arrivals.next();
      assertTrue(now >= before);
      double gap = (now - before) / 1e9 * RATE; // in mean gaps
      sum += gap;
      squares += gap * gap;
      longGaps += gap > 1 ? 1 : 0;
      before = now;
    }
    double mean = sum / COUNT;
    assertEquals(1, mean, 0.02);
    assertEquals(1, squares / COUNT - mean * mean, 0.05); // the variance of Exp(1)
    assertEquals(Math.exp(-1), (double) longGaps / COUNT, 0.01);
  }

  @Test
  void next_sameSeed_sameTimes() {
    PoissonArrivals first = new PoissonArrivals(RATE, 7);
    PoissonArrivals second = new PoissonArrivals(RATE, 7);
    PoissonArrivals other = new PoissonArrivals(RATE, 8);
    long arrival = first.next();
    assertEquals(arrival, second.next());
    assertNotEquals(arrival, other.next());
  }

  @Test
  void create_rateNotPositive_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> new PoissonArrivals(0, 1));
    assertThrows(IllegalArgumentException.class, () -> new PoissonArrivals(Double.NaN, 1));
  }
}
