package dev.perennial.server.task;

/**
 * Whose change it is: a job that another member has taken over changes nothing any more.
 *
 * @param jobId empty where no job is meant
 * @param token grows with every change of the job's owner
 */
public record Fence(String jobId, long token) {
  /** Anybody's. */
  public static final Fence NONE = new Fence("", 0);
}
