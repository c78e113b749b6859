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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Collectors;
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
    for (JobQuestion.Found found : find(requestId, members.view().others()).values()) {
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
  private Map<String, JobQuestion.Found> find(String requestId, List<String> asked) {
    Map<String, CompletableFuture<byte[]>> answers =
        members.askAll(asked, new JobQuestion.Find(requestId));
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
   * Brings the upload or the job of a request here, if another member has it or more of it. Throws
   * RESOURCE_EXHAUSTED where there is no room for it here, UNAVAILABLE where it cannot be had, or
   * not known whether there is any, for half a minute: to begin anew would forget what was
   * acknowledged. What is here is gone on with then.
   */
  void fetch(String requestId) {
    long until = System.nanoTime() + FETCH.toNanos();
    while (!fetchOnce(requestId, until - System.nanoTime() > FETCH.toNanos() / 2)) {
      if (System.nanoTime() - until > 0) {
        if (owned.worksOn(requestId)) {
          return;
        }
        throw ServingException.unavailable(
            "REQUEST_NOT_HEARD",
            "request: what there is of it cannot be had now (expected: an answer of all members)",
            PATIENCE);
      }
      wakeup.pause();
    }
  }

  /**
   * False where it is worth another try.
   *
   * @param patient whether to wait until somebody has claimed the most that there is
   */
  private boolean fetchOnce(String requestId, boolean patient) {
    try {
      List<String> asked = members.view().others();
      Map<String, JobQuestion.Found> all = find(requestId, asked);
      for (JobQuestion.Found found : all.values()) {
        for (byte[] job : found.job()) {
          return local.get().learn(JobJson.read(job).job());
        }
      }
      Optional<Map.Entry<String, Held>> best = mostOf(all);
      if (patient && isMoreUnclaimed(requestId, all)) {
        takeover.claimCopies();
        return false;
      }
      if (best.isPresent() && best.get().getValue().bytes() > owned.bytes(requestId)) {
        takeFrom(best.get().getKey(), best.get().getValue());
        return owned.worksOn(requestId);
      }
      if (owned.worksOn(requestId)) {
        return all.size() == asked.size();
      }
      takeover.claimCopies();
      boolean none =
          all.size() == asked.size()
              && all.values().stream().allMatch(found -> found.copy().isEmpty())
              && !owned.hasCopy(requestId);
      return none || owned.worksOn(requestId);
    } catch (ServingException e) {
      if (e.code() == ErrorCode.RESOURCE_EXHAUSTED) {
        throw e; // no room here
      }
      LOG.info("request {}: fetched again soon: {}", requestId, e.getMessage());
      return false;
    }
  }

  /**
   * The upload that has the most, and who works on it. A request has two where an owner died before
   * its first example was acknowledged, or before it had told that it threw the upload away.
   */
  private static Optional<Map.Entry<String, Held>> mostOf(Map<String, JobQuestion.Found> all) {
    return all.entrySet().stream()
        .flatMap(
            found -> found.getValue().owned().stream().map(held -> Map.entry(found.getKey(), held)))
        .max(Comparator.comparingLong(found -> found.getValue().bytes()));
  }

  /**
   * Whether nobody works on the upload that has the most: its owner has just died, and who has its
   * copy is about to claim it.
   */
  private boolean isMoreUnclaimed(String requestId, Map<String, JobQuestion.Found> others) {
    List<JobQuestion.Found> all = new ArrayList<>(others.values());
    all.add(owned.found(requestId));
    List<Held> works = all.stream().flatMap(found -> found.owned().stream()).toList();
    long most = works.stream().mapToLong(Held::bytes).max().orElse(-1);
    Set<String> ids = works.stream().map(Held::id).collect(Collectors.toSet());
    return all.stream()
        .flatMap(found -> found.copy().stream())
        .anyMatch(copy -> !ids.contains(copy.id()) && copy.bytes() > most);
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
