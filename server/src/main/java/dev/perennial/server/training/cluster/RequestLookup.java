package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.LocalJobs;
import dev.perennial.server.training.LocalJobs.Held;
import dev.perennial.server.training.TrainingJob;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the other members for what they have of a request, and brings its upload here. Every
 * method waits for them. Safe for any thread.
 */
final class RequestLookup {
  private static final Logger LOG = LoggerFactory.getLogger(RequestLookup.class);
  private static final Duration ANSWER = Duration.ofSeconds(5);
  private static final Duration FETCH = Duration.ofSeconds(30);
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final Channel<JobQuestion> members;
  private final Supplier<LocalJobs> local;
  private final OwnedJobs owned;
  private final Takeover takeover;
  private final Wakeup wakeup;

  RequestLookup(
      Channel<JobQuestion> members,
      Supplier<LocalJobs> local,
      OwnedJobs owned,
      Takeover takeover,
      Wakeup wakeup) {
    this.owned = owned;
    this.members = members;
    this.local = local;
    this.takeover = takeover;
    this.wakeup = wakeup;
  }

  /** Throws UNAVAILABLE where no member tells of that job. */
  TrainingJob job(String requestId, String jobId) {
    for (JobQuestion.Found found : find(requestId).values()) {
      for (byte[] bytes : found.job()) {
        TrainingJob job = JobJson.read(bytes).job();
        if (job.jobId().equals(jobId)) {
          return job;
        }
      }
    }
    throw ServingException.unavailable(
        "JOB_NOT_HEARD", "job " + jobId + ": no member tells of it now", PATIENCE);
  }

  /** By member; without those that do not answer. */
  private Map<String, JobQuestion.Found> find(String requestId) {
    Map<String, CompletableFuture<byte[]>> answers =
        members.askAll(members.view().others(), new JobQuestion.Find(requestId));
    Map<String, JobQuestion.Found> found = new HashMap<>();
    answers.forEach(
        (member, answer) -> {
          try {
            byte[] bytes = Answers.await(member, answer, ANSWER);
            found.put(member, Wire.read(bytes, JobQuestion.Found.class));
          } catch (ServingException e) {
            LOG.info("member {} does not tell of a request: {}", member, e.getMessage());
          }
        });
    return found;
  }

  /**
   * Brings the upload or the job of a request here, if another member has it. Throws
   * RESOURCE_EXHAUSTED where there is no room for it here.
   */
  void fetch(String requestId) {
    long until = System.nanoTime() + FETCH.toNanos();
    while (fetchOnce(requestId) && System.nanoTime() - until < 0) {
      wakeup.pause();
    }
  }

  /** Whether it is worth another try. */
  private boolean fetchOnce(String requestId) {
    try {
      if (owned.worksOn(requestId)) {
        return false;
      }
      Map<String, JobQuestion.Found> all = find(requestId);
      for (JobQuestion.Found found : all.values()) {
        for (byte[] job : found.job()) {
          return !local.get().learn(JobJson.read(job).job());
        }
      }
      for (Map.Entry<String, JobQuestion.Found> found : all.entrySet()) {
        for (Held upload : found.getValue().owned()) {
          takeFrom(found.getKey(), upload);
          return !owned.worksOn(requestId);
        }
      }
      takeover.claimCopies();
      boolean copied = all.values().stream().anyMatch(found -> !found.copy().isEmpty());
      return !owned.worksOn(requestId) && (copied || owned.hasCopy(requestId));
    } catch (ServingException e) {
      if (e.code() == ErrorCode.RESOURCE_EXHAUSTED) {
        throw e; // no room here
      }
      LOG.info("request {}: fetched again soon: {}", requestId, e.getMessage());
      return true;
    }
  }

  /** An upload's owner copies it here and lets it go. */
  private void takeFrom(String owner, Held upload) {
    String self = members.view().self();
    JobQuestion.HandOver over = new JobQuestion.HandOver(upload.id(), self);
    members.ask(owner, over, JobQuestion.Done.class, FETCH);
    takeover.offered(upload.id(), self);
    takeover.claimCopies();
  }
}
