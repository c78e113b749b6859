package dev.perennial.server.eval.chart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AxisTest {
  private static List<String> texts(Axis axis) {
    return axis.ticks().stream().map(Axis.Tick::text).toList();
  }

  @Test
  void around_anyRange_endsOnRoundNumbers() {
    Axis axis = Axis.around("accuracy", 18.3, 97.2, 5);
    assertEquals(List.of("0", "20", "40", "60", "80", "100"), texts(axis));
    assertEquals(0.5, axis.place(50), 1e-12);
  }

  @Test
  void around_negativeAndFractions_readWell() {
    assertEquals(
        List.of("\u22120.2", "0.0", "0.2", "0.4"), texts(Axis.around("w", -0.15, 0.31, 3)));
  }

  @Test
  void exactly_range_isKept() {
    Axis axis = Axis.exactly("w", 0, 1, 5);
    assertEquals(List.of("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"), texts(axis));
    assertEquals(1, axis.max());
  }

  @Test
  void withoutSigns_bothSidesOfZero_arePositive() {
    assertEquals(List.of("50", "0", "50"), texts(Axis.around("share", -50, 50, 2).withoutSigns()));
  }

  @ParameterizedTest
  @CsvSource({"0,0", "5,5", "-3,-3", "0.001,0.0010001", "1e9,2e9"})
  void around_anyTwoNumbers_holdsBothWithFewTicks(double min, double max) {
    Axis axis = Axis.around("x", min, max, 5);
    assertTrue(axis.min() <= min + 1e-9 && axis.max() >= max - 1e-9, axis.toString());
    assertTrue(axis.ticks().size() >= 2 && axis.ticks().size() <= 12, axis.toString());
  }

  @Test
  void constructor_emptyRange_isRefused() {
    assertThrows(IllegalArgumentException.class, () -> new Axis("x", 1, 1, List.of()));
  }
}
