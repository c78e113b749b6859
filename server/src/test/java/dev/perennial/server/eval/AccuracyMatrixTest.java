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
  void transfer_oneTask_isUndefined() {
    assertTrue(Double.isNaN(new AccuracyMatrix(new double[][] {{50}}).transfer()));
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
