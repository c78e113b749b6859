package dev.perennial.server.batching;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceShareTest {
  private static final long MILLI = 1_000_000;

  @ParameterizedTest
  @ValueSource(doubles = {0, 1, -0.5, Double.NaN})
  void constructor_shareOutOfRange_throws(double share) {
    assertThrows(IllegalArgumentException.class, () -> new DeviceShare(share));
  }

  @Test
  void stepMayRun_idle_always() {
    DeviceShare share = new DeviceShare(0.1);
    for (int i = 0; i < 100; i++) {
      assertTrue(share.stepMayRun(false));
      share.stepped(MILLI);
    }
  }

  @ParameterizedTest
  @CsvSource({"0.5, 10, 10", "0.1, 10, 10", "0.1, 2, 300", "0.8, 100, 10", "0.5, 1000, 3"})
  void stepMayRun_rowsAlwaysWait_stepsGetTheirShare(
      double fraction, long batchMillis, long stepMillis) {
    DeviceShare share = new DeviceShare(fraction);
    long stepNanos = 0;
    long totalNanos = 0;
    for (int batch = 0; batch < 20_000; batch++) {
      share.served(batchMillis * MILLI);
      totalNanos += batchMillis * MILLI;
      while (share.stepMayRun(true)) {
        share.stepped(stepMillis * MILLI);
        stepNanos += stepMillis * MILLI;
        totalNanos += stepMillis * MILLI;
      }
    }
    assertEquals(fraction, (double) stepNanos / totalNanos, 0.01 * fraction + 0.001);
  }

  @Test
  void stepMayRun_rowsAlwaysWait_noStepStarves() {
    DeviceShare share = new DeviceShare(0.01);
    share.stepped(1000 * MILLI);
    int batches = 0;
    while (!share.stepMayRun(true)) {
      share.served(10 * MILLI);
      batches++;
    }
    assertEquals(9900, batches);
  }

  @Test
  void stepMayRun_afterLongIdleTraining_rowsWaitForOneStepOnly() {
    DeviceShare share = new DeviceShare(0.5);
    for (int i = 0; i < 1000; i++) {
      share.stepped(10 * MILLI);
    }
    assertFalse(share.stepMayRun(true));
    share.served(10 * MILLI);
    assertTrue(share.stepMayRun(true));
  }

  @Test
  void stepMayRun_idleStepsOfDifferentLength_longOnesDebtStays() {
    DeviceShare share = new DeviceShare(0.5);
    share.stepped(1000 * MILLI);
    share.stepped(MILLI);
    share.served(900 * MILLI);
    assertFalse(share.stepMayRun(true));
  }

  @Test
  void stepMayRun_afterHoursOfServing_fewStepsInARow() {
    DeviceShare share = new DeviceShare(0.5);
    for (int i = 0; i < 100_000; i++) {
      share.served(10 * MILLI);
    }
    long inARow = 0;
    while (share.stepMayRun(true)) {
      share.stepped(10 * MILLI);
      inARow += 10 * MILLI;
    }
    assertTrue(inARow <= DeviceShare.WINDOW_NANOS + 10 * MILLI, inARow + " ns");
  }
}
