package dev.perennial.server.eval.report;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;

/** A figure of a method: its key in the results, and how it is read. */
enum Metric {
  TRANSFER("Transfer", "%", 1, Better.HIGHER, true),
  AVG("Avg", "%", 1, Better.HIGHER, true),
  LAST("Last", "%", 1, Better.HIGHER, true),
  BACKWARD_TRANSFER("Backward transfer", "points", 1, Better.HIGHER, false),
  FORGETTING("Forgetting", "points", 1, Better.LOWER, false),
  PARAMETERS_PER_TASK("Parameters per task", "", 0, Better.LOWER, false),
  TRAIN_SECONDS("Seconds per task", "", 1, Better.LOWER, false),
  TRAIN_IMAGES_PER_SECOND("Images per second", "", 0, Better.HIGHER, false),
  LEARNT("Taught: accuracy", "%", 1, Better.HIGHER, false),
  UNLEARNT("Not taught yet: accuracy", "%", 1, Better.HIGHER, false),
  CALIBRATION_ERROR("Calibration error", "%", 1, Better.LOWER, false),
  CALIBRATION_ERROR_LEARNT("Taught", "%", 1, Better.LOWER, false),
  CALIBRATION_ERROR_UNLEARNT("Not taught yet", "%", 1, Better.LOWER, false),
  AREA_UNDER_RISK("Area under the risk", "%", 1, Better.LOWER, false);

  /** The columns of the method table. */
  static final List<Metric> OF_THE_TABLE =
      List.copyOf(EnumSet.range(TRANSFER, TRAIN_IMAGES_PER_SECOND));

  /** What says how far answers can be trusted. */
  static final List<Metric> OF_TRUST = List.copyOf(EnumSet.range(LEARNT, AREA_UNDER_RISK));

  /** Which of two values is the better one. */
  enum Better {
    HIGHER,
    LOWER
  }

  private final String title;
  private final String unit;
  private final int digits;
  private final Better better;
  private final boolean compared;

  Metric(String title, String unit, int digits, Better better, boolean compared) {
    this.title = title;
    this.unit = unit;
    this.digits = digits;
    this.better = better;
    this.compared = compared;
  }

  /** The key in a method's results. */
  String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  String title() {
    return title;
  }

  /** The unit, empty for a count. */
  String unit() {
    return unit;
  }

  /** Whether differences to other methods stand beside the value. */
  boolean compared() {
    return compared;
  }

  boolean isBetter(double value, double other) {
    return better == Better.HIGHER ? value > other : value < other;
  }

  /** The value as it is shown. */
  String text(double value) {
    return Numbers.decimal(value, digits);
  }
}
