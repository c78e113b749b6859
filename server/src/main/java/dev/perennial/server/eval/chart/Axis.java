package dev.perennial.server.eval.chart;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One axis: its range and where it is marked. Immutable.
 *
 * @param label what is measured, with its unit
 * @param max above min
 */
public record Axis(String label, double min, double max, List<Tick> ticks) {
  /** A mark with its text. */
  public record Tick(double at, String text) {}

  /** An axis over a range that is not empty. */
  public Axis {
    if (!(max > min)) {
      throw new IllegalArgumentException(
          "axis: %s..%s (expected: max above min)".formatted(min, max));
    }
    ticks = List.copyOf(ticks);
  }

  /** From a round number at or below min to one at or above max, with about so many ticks. */
  public static Axis around(String label, double min, double max, int ticks) {
    double span = max > min ? max - min : 1;
    double step = niceStep(span / ticks);
    double first = Math.floor(min / step + 1e-9) * step;
    double last = Math.max(first + step, Math.ceil(max / step - 1e-9) * step);
    return new Axis(label, first, last, ticks(first, last, step));
  }

  /** Exactly this range, with about so many ticks. */
  public static Axis exactly(String label, double min, double max, int ticks) {
    double step = niceStep((max - min) / ticks);
    return new Axis(label, min, max, ticks(Math.ceil(min / step - 1e-9) * step, max, step));
  }

  /** The same with both sides of zero marked as positive numbers: for bars up and down. */
  public Axis withoutSigns() {
    return new Axis(
        label,
        min,
        max,
        ticks.stream()
            .map(tick -> new Tick(tick.at(), tick.text().replace("\u2212", "")))
            .toList());
  }

  /** Where a value lies: 0 at min, 1 at max. */
  double place(double value) {
    return (value - min) / (max - min);
  }

  private static List<Tick> ticks(double first, double last, double step) {
    int digits = (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    List<Tick> ticks = new ArrayList<>();
    for (int i = 0; first + i * step <= last + step * 1e-6; i++) {
      double at = first + i * step;
      String text = String.format(Locale.ROOT, "%." + digits + "f", Math.abs(at));
      ticks.add(new Tick(at, at < -step / 2 ? "\u2212" + text : text));
    }
    return ticks;
  }

  /** The least of 1, 2, 5, 10, ... that is not below the rough step. */
  private static double niceStep(double rough) {
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    for (double factor : new double[] {1, 2, 5}) {
      if (rough <= factor * power * (1 + 1e-9)) {
        return factor * power;
      }
    }
    return 10 * power;
  }
}
