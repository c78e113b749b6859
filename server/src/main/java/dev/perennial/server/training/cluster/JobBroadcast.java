package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.TrainingJob;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells all members how jobs are, so that each answers for them from memory, and keeps who told
 * last. {@link #tellChanges} and {@link #restart} are the tending thread's; the rest is safe for
 * any thread.
 */
final class JobBroadcast {
  private static final Logger LOG = LoggerFactory.getLogger(JobBroadcast.class);
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private final Channel<JobQuestion> members;
  private final OwnedJobs owned;

  /** Who last told of each unfinished job. */
  private final Map<String, String> toldBy = new ConcurrentHashMap<>();

  /** What each member was told last; the tending thread's. */
  private final Map<String, Map<String, TrainingJob>> told = new HashMap<>();

  JobBroadcast(Channel<JobQuestion> members, OwnedJobs owned) {
    this.members = members;
    this.owned = owned;
  }

  /** The member that works on a job, as far as this one was told. */
  Optional<String> owner(String jobId) {
    return Optional.ofNullable(toldBy.get(jobId));
  }

  /** A member has told of a job. */
  void heardFrom(String member, TrainingJob job) {
    if (job.state().ended()) {
      toldBy.remove(job.jobId());
    } else {
      toldBy.put(job.jobId(), member);
    }
  }

  /** A job is no other member's any more. */
  void forget(String jobId) {
    toldBy.remove(jobId);
  }

  /**
   * All that answer soon know the job before its caller does.
   *
   * @param job as {@code job.json}
   */
  void tellNow(byte[] job) {
    View view = members.view();
    List<CompletableFuture<byte[]>> answers = new ArrayList<>();
    for (String member : view.others()) {
      answers.add(members.ask(member, new JobQuestion.Tell(view.self(), job)));
    }
    try {
      CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
          .get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.debug("not all members know a job yet", e);
    }
  }

  /** Members are told all again: this one is another member to them. */
  void restart() {
    told.clear();
  }

  /** Tells every member what has changed since it was told last. */
  void tellChanges() {
    View view = members.view();
    told.keySet().retainAll(view.ids());
    List<TrainingJob> jobs = owned.registeredJobs();
    List<String> ids = jobs.stream().map(TrainingJob::jobId).toList();
    Map<CompletableFuture<byte[]>, Runnable> answers = new HashMap<>();
    for (String member : view.others()) {
      Map<String, TrainingJob> known = told.computeIfAbsent(member, any -> new HashMap<>());
      known.keySet().retainAll(ids);
      for (TrainingJob job : jobs) {
        if (!job.equals(known.get(job.jobId())) && tells(view, member, job)) {
          byte[] bytes = JobJson.write(job, false);
          answers.put(
              members.ask(member, new JobQuestion.Tell(view.self(), bytes)),
              () -> known.put(job.jobId(), job));
        }
      }
    }
    awaitTold(answers);
  }

  /** One's own; and of those that have ended the coordinator tells all, and all tell it. */
  private boolean tells(View view, String member, TrainingJob job) {
    return job.state().ended()
        ? view.coordinates() || member.equals(view.coordinator())
        : owned.has(job.jobId());
  }

  private static void awaitTold(Map<CompletableFuture<byte[]>, Runnable> answers) {
    long until = System.nanoTime() + PATIENCE.toNanos();
    answers.forEach(
        (answer, noted) -> {
          try {
            Duration left = Duration.ofNanos(until - System.nanoTime());
            Wire.read(Answers.await("told", answer, left), JobQuestion.Done.class);
            noted.run();
          } catch (ServingException e) {
            LOG.debug("a member was not told", e);
          }
        });
  }
}
