package dev.perennial.server.device;

/**
 * Where a gate weight lies on the grid of weights that text features are computed at: between two
 * neighbouring points, or on one. Linear interpolation over {@value #POINTS} points is within
 * 0.0008 logits at logit scale 41.5 (17 points: 0.0033).
 *
 * @param low the point at or below
 * @param high the next point, or {@code low} again
 * @param share how far from low to high, [0, 1)
 */
public record GridSegment(int low, int high, float share) {
  /** Points over [0, 1], both ends included. */
  public static final int POINTS = 33;

  /**
   * A gate weight up to this is served as 0, and one this close to a point as the point. The logits
   * move by about 30 w, so by at most 3e-4.
   */
  public static final float NEGLIGIBLE_GATE_WEIGHT = 1e-5f;

  /** The frozen network: w = 0. */
  public static final GridSegment FROZEN = new GridSegment(0, 0, 0);

  /** Where a weight in [0, 1] lies. */
  public static GridSegment of(float gateWeight) {
    if (!(gateWeight >= 0 && gateWeight <= 1)) {
      throw new IllegalArgumentException("gate weight: " + gateWeight + " (expected: 0..1)");
    }
    float place = gateWeight * (POINTS - 1);
    int nearest = Math.round(place);
    if (Math.abs(gateWeight - gateWeight(nearest)) <= NEGLIGIBLE_GATE_WEIGHT) {
      return new GridSegment(nearest, nearest, 0);
    }
    int low = (int) place;
    return new GridSegment(low, low + 1, place - low);
  }

  /** The gate weight at a point. */
  public static float gateWeight(int point) {
    return point / (float) (POINTS - 1);
  }
}
