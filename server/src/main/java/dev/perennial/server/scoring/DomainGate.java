package dev.perennial.server.scoring;

/**
 * How far an image belongs to a learnt domain, from z: how many standard deviations its log-density
 * lies above the mean of the domain's own images. Constants are chosen on training images of
 * mini-MTIL, seeds 11 and 12, 16 and 50 shots; see decision 003.
 */
public final class DomainGate {
  private static final double SLOPE = 2;

  /** Where labels compete that no task knows, the gate is half open this far below the mean. */
  private static final double OPEN_OFFSET = 2.5;

  /** Where all labels are learnt: as DIKI's robust gate, for then most images are the tasks'. */
  private static final double LEARNT_OFFSET = 4;

  /**
   * Even odds of a learnt and an unknown domain. A logistic fit with each domain in turn unknown
   * gives slopes of 1.96 and 1.98, and offsets of 1.0 (16 shots) and 1.5 (50 shots).
   */
  private static final double EVEN_OFFSET = 1.25;

  /** A gate up to this is shut: the zero-shot answer, to the bit. */
  public static final double NEGLIGIBLE = 1e-5;

  private DomainGate() {}

  /** g in [0, 1]; 0 where it is negligible. */
  public static double gate(double z, boolean allLearnt) {
    double g = sigmoid(SLOPE * (z + (allLearnt ? LEARNT_OFFSET : OPEN_OFFSET)));
    return g <= NEGLIGIBLE ? 0 : g;
  }

  /**
   * The probability that the image is of no learnt domain, and so shows no learnt class, where one
   * in two images is; calibrated on domains that were left out. It does not see a new class in a
   * learnt domain.
   */
  public static double none(double z) {
    return sigmoid(-SLOPE * (z + EVEN_OFFSET));
  }

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
