package dev.perennial.server.task;

import java.nio.ByteBuffer;

/**
 * Changes of the pool: of this server alone, or of a cluster. Each returns once the change is
 * durable and this server's pool has it, at the snapshot's epoch or a later one. Safe for any
 * thread; waits for disks, and for other members where there are any.
 */
public interface PoolWriter {
  /** The tasks that serve here now. */
  PoolSnapshot snapshot();

  /**
   * Stores a version's file and makes the version active; its id is the hash of these very bytes. A
   * version that serves already stays so, under the same epoch. Throws DATA_LOSS (no version),
   * FAILED_PRECONDITION (another backbone), RESOURCE_EXHAUSTED (too many tasks, disk full),
   * UNAVAILABLE (closing, or too few members answer).
   */
  PoolSnapshot publish(ByteBuffer file);

  /** The same of a version that was made here. */
  default PoolSnapshot publish(TaskVersion version) {
    return publish(ByteBuffer.wrap(TaskVersionFile.write(version)));
  }

  /**
   * The same for a job, once: a version that the job has published before, and whose end was not
   * noted, stays as it is now, active, not active or deleted. Throws UNAVAILABLE (STALE_OWNER)
   * where the job has another owner by now; alone there is none.
   */
  PoolSnapshot publish(TaskVersion version, Fence fence);

  /**
   * Stores a contribution's file and adds it to its task; one that is there already stays, under
   * the same epoch. It counts with every version that knows all its classes. Throws NOT_FOUND (the
   * task), DATA_LOSS, FAILED_PRECONDITION, RESOURCE_EXHAUSTED (too many contributions, disk full),
   * UNAVAILABLE.
   */
  PoolSnapshot contribute(ByteBuffer file);

  /** The same of a contribution that was made here. */
  default PoolSnapshot contribute(Contribution contribution) {
    return contribute(ByteBuffer.wrap(ContributionFile.write(contribution)));
  }

  /**
   * The same for a job; throws FAILED_PRECONDITION where that very contribution was taken back, and
   * STALE_OWNER as {@link #publish(TaskVersion, Fence)}.
   */
  PoolSnapshot contribute(Contribution contribution, Fence fence);

  /**
   * Takes a contribution back: every answer is bit for bit what it would be without it. Throws
   * NOT_FOUND (the task, the contribution), UNAVAILABLE.
   */
  PoolSnapshot withdraw(String task, String contributionId);

  /** Forgets a task, its versions and its contributions; throws NOT_FOUND, UNAVAILABLE. */
  PoolSnapshot delete(String task);

  /**
   * Makes a stored version the active one; throws NOT_FOUND, FAILED_PRECONDITION (another
   * backbone), DATA_LOSS (damaged), UNAVAILABLE.
   */
  PoolSnapshot activate(String task, String versionId);
}
