package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs;
import dev.perennial.server.training.LocalJobs.Held;
import dev.perennial.server.training.TrainingJob;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this member answers the others. Safe for any thread; what is answered at the level READ
 * waits for no member ({@link JobQuestion#level}).
 */
final class JobAnswers {
  private static final Logger LOG = LoggerFactory.getLogger(JobAnswers.class);
  private static final Duration COPY = Duration.ofSeconds(30);
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final Supplier<LocalJobs> local;
  private final OwnedJobs owned;
  private final Takeover takeover;
  private final JobBroadcast broadcast;
  private final JobRegistry registry;
  private final Wakeup wakeup;

  JobAnswers(
      Supplier<LocalJobs> local,
      OwnedJobs owned,
      Takeover takeover,
      JobBroadcast broadcast,
      JobRegistry registry,
      Wakeup wakeup) {
    this.local = local;
    this.owned = owned;
    this.takeover = takeover;
    this.broadcast = broadcast;
    this.registry = registry;
    this.wakeup = wakeup;
  }

  byte[] answer(JobQuestion question) {
    LocalJobs jobs = local.get();
    if (question instanceof JobQuestion.Hear) {
      return Wire.answer(owned.heard());
    } else if (question instanceof JobQuestion.Find find) {
      return Wire.answer(owned.found(find.requestId()));
    } else if (question instanceof JobQuestion.Claim claim) {
      return Wire.answer(registry.claim(claim));
    } else if (question instanceof JobQuestion.Register register) {
      return Wire.answer(registry.register(register));
    } else if (question instanceof JobQuestion.Cancel cancel) {
      return Wire.answer(new JobQuestion.Job(JobJson.write(cancel(jobs, cancel.jobId()), false)));
    } else if (question instanceof JobQuestion.Tell tell) {
      return Wire.answer(learn(jobs, tell));
    } else if (question instanceof JobQuestion.Offer offer) {
      return Wire.answer(new JobQuestion.Copied(open(jobs, offer)));
    } else if (question instanceof JobQuestion.Append append) {
      return Wire.answer(
          new JobQuestion.Copied(
              jobs.appendCopy(append.id(), append.lease(), append.offset(), append.bytes())));
    }
    perform(jobs, question);
    return Wire.answer(new JobQuestion.Done());
  }

  private void perform(LocalJobs jobs, JobQuestion question) {
    if (question instanceof JobQuestion.Put put) {
      jobs.putCopy(put.id(), put.lease(), put.name(), put.bytes());
    } else if (question instanceof JobQuestion.Drop drop) {
      drop(jobs, drop);
    } else if (question instanceof JobQuestion.HandOver over) {
      handOver(jobs, over);
    } else {
      throw new IllegalArgumentException("question: " + question.getClass());
    }
  }

  private TrainingJob cancel(LocalJobs jobs, String jobId) {
    if (!owned.has(jobId) && !jobs.ended(jobId)) {
      throw ServingException.unavailable(
          "NOT_OWNER", "job " + jobId + ": not this member's (expected: its own)", PATIENCE);
    }
    return jobs.cancel(jobId);
  }

  private long open(LocalJobs jobs, JobQuestion.Offer offer) {
    requireNotOwned(offer.id(), offer.lease());
    // Before it is there: it is not to be claimed.
    Takeover.Offer before = takeover.offered(offer.id(), offer.from());
    try {
      return jobs.openCopy(offer.id(), offer.lease());
    } catch (ServingException e) {
      takeover.refused(offer.id(), offer.from(), before);
      throw e;
    }
  }

  private void requireNotOwned(String id, Lease lease) {
    Mirror mirror = owned.mirror(id);
    if (mirror != null) {
      owned.doubt(id);
      boolean older = mirror.lease().token() < lease.token();
      throw new ServingException(
          older ? ErrorCode.UNAVAILABLE : ErrorCode.FAILED_PRECONDITION,
          older ? "STILL_OWNED" : LocalJobs.OTHER_LEASE,
          "copy of " + id + ": this member works on it (expected: another member)");
    }
  }

  private void drop(LocalJobs jobs, JobQuestion.Drop drop) {
    jobs.dropCopy(drop.id(), drop.newest());
    if (jobs.held(drop.id()).isEmpty()) {
      takeover.forget(drop.id());
    }
  }

  private JobQuestion.Heeded learn(LocalJobs jobs, JobQuestion.Tell tell) {
    List<String> refused = new ArrayList<>();
    for (byte[] bytes : tell.jobs()) {
      try {
        TrainingJob job = JobJson.read(bytes).job();
        if (jobs.learn(job)) {
          heard(tell.from(), job);
        } else {
          owned.doubt(job.jobId());
          refused.add(job.jobId());
        }
      } catch (ServingException e) {
        LOG.error("a job that member {} tells of is left out", tell.from(), e);
      }
    }
    wakeup.news();
    return new JobQuestion.Heeded(refused);
  }

  private void heard(String from, TrainingJob job) {
    broadcast.heardFrom(from, job);
    if (job.state().ended()) {
      takeover.forget(job.jobId());
    }
  }

  /** An upload goes on at another member. Whoever asked looks again, whatever came of it. */
  private void handOver(LocalJobs jobs, JobQuestion.HandOver over) {
    Mirror mirror = owned.mirror(over.id());
    Optional<Held> held = jobs.held(over.id());
    if (mirror == null
        || held.isEmpty()
        || held.get().committed()
        || jobs.detach(held.get().requestId()).isEmpty()) {
      return;
    }
    awaitCopy(mirror, over.to());
    takeover.handedOver(over.id(), over.to()); // before it is a copy: it is not to be claimed
    if (owned.handOver(over.id())) {
      LOG.info("upload {}: goes on at member {}", over.id(), over.to());
    } else {
      takeover.forget(over.id());
    }
  }

  /** Throws what that member refuses a copy with. */
  private static void awaitCopy(Mirror mirror, String member) {
    CompletableFuture<byte[]> answer =
        mirror
            .copiedTo(member)
            .handle(
                (copied, e) ->
                    e instanceof ServingException refused
                        ? Wire.failure(refused)
                        : Wire.answer(new JobQuestion.Done()));
    try {
      Wire.read(Answers.await(member, answer, COPY), JobQuestion.Done.class);
    } finally {
      mirror.copiedToAny();
    }
  }
}
