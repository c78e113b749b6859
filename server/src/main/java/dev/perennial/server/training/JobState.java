package dev.perennial.server.training;

/** Where a job stands. */
public enum JobState {
  QUEUED,
  RUNNING,
  PUBLISHING,
  SUCCEEDED,
  FAILED,
  CANCELLED;

  /** Whether nothing will change any more. */
  public boolean ended() {
    return this == SUCCEEDED || this == FAILED || this == CANCELLED;
  }
}
