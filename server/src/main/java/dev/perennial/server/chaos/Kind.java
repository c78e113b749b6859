package dev.perennial.server.chaos;

import java.util.Locale;

/** When a blow falls. Of a long run, each kind gets its share. */
public enum Kind {
  /** While a version is being stored, replicated and activated. */
  PUBLISH(18),
  /** While a task is being deleted. */
  DELETE(14),
  /** While examples are being uploaded; they are never committed. */
  SPOOLING(12),
  /** While the member trains a task. */
  TRAINING(14),
  /** While statistics are being added to a task. */
  CONTRIBUTING(8),
  /** While a member that was away, and was given up by the others, comes back to them. */
  MERGING(8),
  /** While the member starts. */
  START_UP(12),
  /** All members at once. */
  WHOLE_CLUSTER(8),
  /** The member's disk is emptied, too. */
  EMPTY_DISK(8),
  /** The member stands still (SIGSTOP), for less or more than it takes to be given up. */
  FREEZE(6);

  private final int share;

  Kind(int share) {
    this.share = share;
  }

  /** Relative to the other kinds' shares. */
  int share() {
    return share;
  }

  /** Whether one member at a time decides throughout: no part of the cluster is on its own. */
  boolean decidedByOne() {
    return this != MERGING && this != FREEZE && this != WHOLE_CLUSTER;
  }

  /** As reports have it. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
