package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class AccuracyMatrixTest {
  private final AccuracyMatrix matrix =
      new AccuracyMatrix(new double[][] {{80, 40, 20}, {70, 90, 30}, {60, 85, 95}});

  @Test
  void transfer_threeTasks_averagesTheUpperTriangleByColumn() {
    // Task 1: 40; task 2: mean(20, 30) = 25.
    assertEquals(32.5, matrix.transfer(), 1e-9);
  }

  @Test
  void average_threeTasks_isTheMeanOfAllCells() {
    assertEquals((80 + 40 + 20 + 70 + 90 + 30 + 60 + 85 + 95) / 9.0, matrix.average(), 1e-9);
  }

  @Test
  void last_threeTasks_isTheMeanOfTheLastRow() {
    assertEquals(80, matrix.last(), 1e-9);
  }

  @Test
  void backwardTransfer_threeTasks_isTheEndMinusJustLearnt() {
    // Task 0: 60 - 80; task 1: 85 - 90.
    assertEquals(-12.5, matrix.backwardTransfer(), 1e-9);
  }

  @Test
  void forgetting_taskThatWasBestLater_countsFromItsBest() {
    AccuracyMatrix later =
        new AccuracyMatrix(new double[][] {{70, 40, 20}, {80, 90, 30}, {60, 95, 95}});
    // Task 0: 80 - 60; task 1: 90 - 95, which is a gain: the last stage's own value never counts.
    assertEquals(7.5, later.forgetting(), 1e-9);
    assertEquals(12.5, matrix.forgetting(), 1e-9);
  }

  @Test
  void transferAndForgetting_oneTask_areUndefined() {
    AccuracyMatrix one = new AccuracyMatrix(new double[][] {{50}});
    assertTrue(Double.isNaN(one.transfer()));
    assertTrue(Double.isNaN(one.backwardTransfer()));
    assertTrue(Double.isNaN(one.forgetting()));
  }

  @Test
  void constructor_raggedOrOutOfRange_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> new AccuracyMatrix(new double[0][]));
    assertThrows(
        IllegalArgumentException.class, () -> new AccuracyMatrix(new double[][] {{1, 2}, {3}}));
    assertThrows(IllegalArgumentException.class, () -> new AccuracyMatrix(new double[][] {{101}}));
    assertThrows(
        IllegalArgumentException.class, () -> new AccuracyMatrix(new double[][] {{Double.NaN}}));
  }

  @Test
  void rows_changedByTheCaller_leaveTheMatrixAsItWas() {
    matrix.rows()[0][0] = 0;
    assertEquals(80, matrix.at(0, 0));
  }
}
