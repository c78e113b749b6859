package dev.perennial.server.training;

import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.time.Duration;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which jobs are remembered, in the table and on disk: so many, and of those above the oldest that
 * have ended are forgotten. Safe for any thread; waits for the disk. What cannot be written or
 * deleted is logged: the next start, or whoever else knows the job, puts it right.
 */
final class JobMemory {
  private static final Logger log = LoggerFactory.getLogger(JobMemory.class);

  private final JobStore store;
  private final JobTable table;
  private final int maxJobs;

  JobMemory(JobStore store, JobTable table, int maxJobs) {
    this.store = store;
    this.table = table;
    this.maxJobs = maxJobs;
  }

  /** Another server's job; on disk once it has ended. */
  void learn(TrainingJob job) {
    table.add(job);
    Set<String> forgotten = table.forget(maxJobs);
    if (job.state().ended() && !forgotten.contains(job.jobId())) {
      try {
        store.saveEnded(job);
      } catch (IOException e) {
        log.warn("job {}: not remembered on disk", job.jobId(), e);
      }
    }
    forgotten.forEach(this::delete);
  }

  /** Throws RESOURCE_EXHAUSTED where no further job is taken. */
  void requireRoom() {
    if (table.unfinished() >= maxJobs) {
      throw ServingException.exhausted(
          "TOO_MANY_JOBS",
          "unfinished jobs: " + (maxJobs + 1) + " (expected: at most " + maxJobs + ")",
          Duration.ofMinutes(1));
    }
  }

  void forgetOldest() {
    table.forget(maxJobs).forEach(this::delete);
  }

  /** On disk. */
  void delete(String jobId) {
    try {
      store.delete(jobId);
    } catch (IOException e) {
      log.warn("job {}: cannot be deleted", jobId, e);
    }
  }
}
