package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.TrainingJob;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells all members how jobs are, so that each answers for them from memory, and keeps who told
 * last. {@link #tellChanges} and {@link #restart} are the tending thread's; the rest is safe for
 * any thread.
 *
 * <p>A member is told in batches, the next when it has answered the last: one that has forgotten
 * all, as after a restart, is not flooded.
 */
final class JobBroadcast {
  private static final Logger LOG = LoggerFactory.getLogger(JobBroadcast.class);
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  /** Jobs of one message. */
  static final int BATCH = 64;

  /** A member that has not answered for so long is told again. */
  private static final Duration ANSWER = Duration.ofSeconds(5);

  private final Channel<JobQuestion> members;
  private final OwnedJobs owned;
  private final Wakeup wakeup;

  /** Who last told of each unfinished job. */
  private final Map<String, String> toldBy = new ConcurrentHashMap<>();

  /** What each member was told; the tending thread's. */
  private final Map<String, Told> told = new HashMap<>();

  /** What one member was told. */
  private static final class Told {
    /** As it has answered, by id. */
    final Map<String, TrainingJob> known = new HashMap<>();

    /** Not answered yet. */
    List<TrainingJob> batch = List.of();

    CompletableFuture<byte[]> answer = CompletableFuture.completedFuture(null);
    long asked;
  }

  JobBroadcast(Channel<JobQuestion> members, OwnedJobs owned, Wakeup wakeup) {
    this.members = members;
    this.owned = owned;
    this.wakeup = wakeup;
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
    JobQuestion.Tell tell = new JobQuestion.Tell(view.self(), List.of(job));
    Collection<CompletableFuture<byte[]>> answers = members.askAll(view.others(), tell).values();
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

  /** Tells every member what has changed since it was told last. Waits for nobody. */
  void tellChanges() {
    View view = members.view();
    told.keySet().retainAll(view.ids());
    List<TrainingJob> jobs = owned.registeredJobs();
    Set<String> ids = jobs.stream().map(TrainingJob::jobId).collect(Collectors.toSet());
    for (String member : view.others()) {
      Told of = told.computeIfAbsent(member, any -> new Told());
      if (isFree(member, of)) {
        of.known.keySet().retainAll(ids);
        tell(view, member, of, jobs);
      }
    }
  }

  /** Whether the member has answered, or never will. */
  private static boolean isFree(String member, Told told) {
    if (told.batch.isEmpty()) {
      return true;
    }
    if (!told.answer.isDone()) {
      return System.nanoTime() - told.asked > ANSWER.toNanos();
    }
    try {
      byte[] bytes = Answers.await(member, told.answer, Duration.ZERO);
      List<String> refused = Wire.read(bytes, JobQuestion.Heeded.class).refused();
      for (TrainingJob job : told.batch) {
        if (!refused.contains(job.jobId())) {
          told.known.put(job.jobId(), job);
        }
      }
    } catch (ServingException e) {
      LOG.debug("a member was not told", e);
    }
    told.batch = List.of();
    return true;
  }

  private void tell(View view, String member, Told of, List<TrainingJob> jobs) {
    of.batch =
        jobs.stream()
            .filter(job -> !job.equals(of.known.get(job.jobId())) && tells(view, member, job))
            .sorted(Comparator.comparing(job -> job.state().ended())) // the living first
            .limit(BATCH)
            .toList();
    if (of.batch.isEmpty()) {
      return;
    }
    List<byte[]> bytes = of.batch.stream().map(job -> JobJson.write(job, false)).toList();
    of.asked = System.nanoTime();
    of.answer = members.ask(member, new JobQuestion.Tell(view.self(), bytes));
    var unused = of.answer.thenRun(wakeup::stir);
  }

  /** One's own; and of those that have ended the coordinator tells all, and all tell it. */
  private boolean tells(View view, String member, TrainingJob job) {
    return job.state().ended()
        ? view.coordinates() || member.equals(view.coordinator())
        : owned.has(job.jobId());
  }
}
