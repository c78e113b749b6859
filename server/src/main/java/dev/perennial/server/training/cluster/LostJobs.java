package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.LocalJobs;
import dev.perennial.server.training.TrainingJob;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends jobs that nobody has any more, their owner and its twin having left for good: who comes back
 * with such a job after all is told of its end, and drops it. Waits for all members. Safe for any
 * thread.
 */
final class LostJobs {
  private static final Logger LOG = LoggerFactory.getLogger(LostJobs.class);
  private static final Duration ANSWER = Duration.ofSeconds(5);

  private final Channel<JobQuestion> members;
  private final Supplier<LocalJobs> local;
  private final OwnedJobs owned;
  private final JobBroadcast broadcast;

  LostJobs(
      Channel<JobQuestion> members,
      Supplier<LocalJobs> local,
      OwnedJobs owned,
      JobBroadcast broadcast) {
    this.members = members;
    this.local = local;
    this.owned = owned;
    this.broadcast = broadcast;
  }

  /**
   * Ends a job as CANCELLED where every member of the view has answered that it neither works on it
   * nor has a copy; does nothing where one has it, or knows its end. Throws UNAVAILABLE where a
   * member is silent or still starts.
   */
  void end(String jobId) {
    Optional<TrainingJob> known =
        local.get().jobs().stream().filter(job -> job.jobId().equals(jobId)).findFirst();
    if (known.isEmpty() || known.get().state().ended()) {
      return;
    }
    for (JobQuestion.Found found : find(known.get().spec().requestId())) {
      if (has(found, jobId)) {
        return;
      }
    }
    TrainingJob cancelled = known.get().cancelled(Instant.now());
    if (local.get().learn(cancelled)) {
      LOG.warn("job {}: no member has it or a copy of it: cancelled", jobId);
      broadcast.tellNow(JobJson.write(cancelled, false));
    }
  }

  private List<JobQuestion.Found> find(String requestId) {
    Map<String, CompletableFuture<byte[]>> answers =
        members.askAll(members.view().others(), new JobQuestion.Find(requestId));
    List<JobQuestion.Found> all = new ArrayList<>(List.of(owned.found(requestId)));
    answers.forEach(
        (member, answer) ->
            all.add(Wire.read(Answers.await(member, answer, ANSWER), JobQuestion.Found.class)));
    return all;
  }

  /** The job itself, a copy, or its end: a Tell of that is on its way. */
  private static boolean has(JobQuestion.Found found, String jobId) {
    return found.owned().stream().anyMatch(held -> held.id().equals(jobId))
        || found.copy().stream().anyMatch(held -> held.id().equals(jobId))
        || found.job().stream()
            .map(bytes -> JobJson.read(bytes).job())
            .anyMatch(job -> job.jobId().equals(jobId) && job.state().ended());
  }
}
