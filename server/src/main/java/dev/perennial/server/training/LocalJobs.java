package dev.perennial.server.training;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What this server has of jobs and uploads: its own, and copies of those of others. Every method
 * may wait for the disk; what it says is durable on return. Safe for any thread.
 */
public interface LocalJobs {
  /** Reason of a refusal: a copy is under another lease. */
  String OTHER_LEASE = "OTHER_LEASE";

  /** Of a spool, on its way to a copy. */
  int MAX_PART_BYTES = 1 << 20;

  /**
   * One that has not ended.
   *
   * @param bytes of its spool
   * @param committed whether it is a job
   */
  record Held(String id, String requestId, Lease lease, long bytes, boolean committed) {}

  /** Those of other servers, and those of this one before it was started. */
  List<Held> copies();

  /** One of this server's own or a copy. */
  Optional<Held> held(String id);

  /** Bytes of the spool of one's own. */
  long spoolBytes(String id);

  byte[] readSpool(String id, long offset, int most);

  /** The other files of one's own, by name, in the order in which a copy needs them. */
  Map<String, byte[]> files(String id);

  void saveLease(String id, Lease lease);

  /** Begins a copy, or goes on with one; from where its spool is to be sent. */
  long openCopy(String id, Lease lease);

  /**
   * Part of a copy's spool; the bytes up to its end. Throws FAILED_PRECONDITION (another lease).
   */
  long appendCopy(String id, Lease lease, long offset, byte[] bytes);

  /** Throws FAILED_PRECONDITION (another lease). */
  void putCopy(String id, Lease lease, String name, byte[] bytes);

  void deleteCopy(String id);

  /** The same where it is under that lease or an older one. */
  void dropCopy(String id, Lease newest);

  /** Makes a copy this server's own: a job runs, an upload waits to be gone on with. */
  void adopt(String id, Lease lease);

  /** Stops work on one's own and deletes it: another server has it. */
  void abandon(String id);

  /** The open or kept upload of a request, its stream ended. */
  Optional<String> detach(String requestId);

  /** Makes a detached upload a copy; false where somebody goes on with it here. */
  boolean handOver(String id);

  /** Jobs that waited for the other servers go on. */
  void goOn();

  List<TrainingJob> jobs();

  /** Whether a job is known to have ended. */
  boolean ended(String jobId);

  /** Takes note of another server's job; false where this server takes it for its own. */
  boolean learn(TrainingJob job);

  TrainingJob cancel(String jobId);
}
