package dev.perennial.server.chaos;

import java.util.Locale;

/** What must never be seen. */
public enum Violation {
  /** An acknowledged version, roll-back or job that is not there, or not whole. */
  LOST,
  /** An epoch below one that was seen before. */
  EPOCH_REGRESSIONS,
  /** An answer that belongs to no epoch as a whole, or two that differ under one. */
  MIXED_ANSWERS,
  /** A version that is back although its deletion was acknowledged. */
  RETURNED,
  /** Something that some members show and others do not, or that nobody has taught. */
  HALF_VISIBLE,
  /** A call that failed at a healthy member, and not because it could not be reached. */
  FAILED_CALLS,
  /** Members that do not come back to one state; the run ends there. */
  NOT_RECOVERED;

  /** As reports have it. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
