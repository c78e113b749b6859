package dev.perennial.server.batching;

/**
 * Decides whether training may have a device now. A balance of device time: serving pays in {@code
 * share} of its time, a step takes out {@code 1 - share} of its own, and a step may run while the
 * balance is not negative. So while rows wait steps get at most {@code share} of the device,
 * overdrawn by one step at the most, and every step's turn comes: each batch brings it nearer.
 *
 * <p>An idle device is free: a step then runs at once. It still overdraws the balance, but by no
 * more than itself, so rows that come in its midst are served for a while before the next.
 *
 * <p>What serving pays in is kept for {@link #WINDOW_NANOS} (or one batch, where a batch takes
 * longer): after hours without training no long row of steps may stand in the way of rows. Not
 * thread-safe.
 */
public final class DeviceShare {
  /** Device time over which the share is evened out. */
  static final long WINDOW_NANOS = 200_000_000;

  private final double share;
  private double balanceNanos;

  /** A share in (0, 1). */
  public DeviceShare(double share) {
    if (!(share > 0 && share < 1)) {
      throw new IllegalArgumentException(
          "training share: " + share + " (expected: more than 0, less than 1)");
    }
    this.share = share;
  }

  /** Whether a step may run now. */
  public boolean stepMayRun(boolean rowsWait) {
    return !rowsWait || balanceNanos >= 0;
  }

  /** The device was serving. */
  public void served(long nanos) {
    double cap = share * Math.max(WINDOW_NANOS, nanos);
    balanceNanos = Math.min(Math.max(cap, balanceNanos), balanceNanos + share * nanos);
  }

  /** The device ran one step. */
  public void stepped(long nanos) {
    double cost = (1 - share) * nanos;
    // Steps of an idle device come here with a negative balance too: they must not pile up.
    balanceNanos = Math.max(balanceNanos - cost, Math.min(balanceNanos, -cost));
  }
}
