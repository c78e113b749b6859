package dev.perennial.server.task;

import java.nio.ByteBuffer;

/**
 * Changes of the pool: of this server alone, or of a cluster. Each returns once the change is
 * durable and this server's pool has it, at the snapshot's epoch or a later one. Safe for any
 * thread; waits for disks, and for other members where there are any.
 */
public interface PoolWriter {
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

  /** Forgets a task and all its versions; throws NOT_FOUND, UNAVAILABLE. */
  PoolSnapshot delete(String task);

  /**
   * Makes a stored version the active one; throws NOT_FOUND, FAILED_PRECONDITION (another
   * backbone), DATA_LOSS (damaged), UNAVAILABLE.
   */
  PoolSnapshot activate(String task, String versionId);
}
