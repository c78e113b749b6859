package dev.perennial.server.chaos;

import dev.perennial.server.chaos.Ledger.Shown;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.v1.Contribution;
import dev.perennial.v1.ListTasksRequest;
import dev.perennial.v1.ListTasksResponse;
import dev.perennial.v1.ListTrainingJobsRequest;
import dev.perennial.v1.Task;
import dev.perennial.v1.TaskVersion;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * What must hold once all members are back: everything acknowledged is on the disks and served by
 * all, whole, under an epoch that is not below any that was seen. Used by one thread, while nobody
 * changes the pool.
 */
final class Audit {
  private static final int JOBS_SECONDS = 60;
  private static final int POLL_MILLIS = 50;

  private final LocalCluster cluster;
  private final Changes changes;
  private final Ledger ledger;
  private final Epochs epochs;
  private final AnswerLog answers;
  private final Tally tally;

  Audit(
      LocalCluster cluster,
      Changes changes,
      Ledger ledger,
      Epochs epochs,
      AnswerLog answers,
      Tally tally) {
    this.cluster = cluster;
    this.changes = changes;
    this.ledger = ledger;
    this.epochs = epochs;
    this.answers = answers;
    this.tally = tally;
  }

  /** Checks all of it; what is wrong is counted. */
  void check(boolean decidedByOne) throws InterruptedException {
    awaitJobs();
    cluster.awaitOneState();
    long highest = epochs.highest();
    Map<String, ListTasksResponse> listed = new TreeMap<>();
    for (MemberProcess member : cluster.members()) {
      long floor = epochs.floor(member.name());
      ListTasksResponse tasks =
          member.tasks().listTasks(ListTasksRequest.newBuilder().setPageSize(1_000).build());
      epochs.seen(member.name(), Math.max(floor, highest), tasks.getEpoch());
      listed.put(member.name(), tasks);
    }
    Map<String, Shown> shown = shown(listed);
    checkDisks(shown);
    ledger.settle(shown, decidedByOne);
    checkAnswers(listed.values().iterator().next());
    answers.settle();
  }

  /** Trainings whose end was not told: waits for it, at whichever member has the job. */
  private void awaitJobs() throws InterruptedException {
    for (Map.Entry<String, Set<String>> open : ledger.openRequests().entrySet()) {
      for (String requestId : open.getValue()) {
        awaitJob(open.getKey(), requestId);
      }
    }
  }

  private void awaitJob(String account, String requestId) throws InterruptedException {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(JOBS_SECONDS);
    while (true) {
      TrainingJob last = null;
      for (MemberProcess member : cluster.members()) {
        for (TrainingJob job : jobs(member, Ledger.taskOf(account))) {
          if (!job.getRequestId().equals(requestId)) {
            continue;
          }
          if (job.getState() == TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED) {
            changes.succeeded(member, 0, job);
            return;
          }
          last = job;
        }
      }
      if (last == null) {
        ledger.nowhere(account, requestId);
        return;
      } else if (last.getState().getNumber()
          > TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED_VALUE) {
        return; // failed, and its caller can see that
      } else if (System.nanoTime() - until > 0) {
        tally.found(Violation.LOST, account + ", job of " + requestId + " does not end: " + last);
        return;
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
    }
  }

  private static List<TrainingJob> jobs(MemberProcess member, String task) {
    return member
        .training()
        .listTrainingJobs(
            ListTrainingJobsRequest.newBuilder().setTask(task).setPageSize(1_000).build())
        .getJobsList();
  }

  /** What all members show; where they differ, what the first does. */
  private Map<String, Shown> shown(Map<String, ListTasksResponse> listed) {
    Map<String, Shown> first = null;
    for (Map.Entry<String, ListTasksResponse> member : listed.entrySet()) {
      Map<String, Shown> tasks = new TreeMap<>();
      Set<String> active = new HashSet<>();
      for (Task task : member.getValue().getTasksList()) {
        Set<String> ids = new HashSet<>();
        for (TaskVersion version : task.getVersionsList()) {
          ids.add(version.getVersionId());
          answers.known(version.getVersionId(), Lesson.Origin.of(version.getClassNames(0)));
        }
        tasks.put(task.getName(), new Shown(task.getActiveVersionId(), ids));
        tasks.put(
            Ledger.contributionsTo(task.getName()),
            new Shown(
                "",
                task.getContributionsList().stream()
                    .map(Contribution::getContributionId)
                    .collect(Collectors.toSet())));
        active.add(task.getActiveVersionId());
      }
      answers.claimed(member.getKey(), member.getValue().getEpoch(), active);
      if (first == null) {
        first = tasks;
      } else if (!first.equals(tasks)) {
        tally.found(Violation.HALF_VISIBLE, member.getKey() + ": " + tasks + ", others: " + first);
      }
    }
    return first == null ? Map.of() : first;
  }

  /** Every version is on enough disks, with the bytes that its name says. */
  private void checkDisks(Map<String, Shown> shown) {
    int enough = Math.min(2, cluster.members().size());
    Map<String, Integer> copies = new HashMap<>();
    for (Shown task : shown.values()) {
      for (String id : task.versions()) {
        for (MemberProcess member : cluster.members()) {
          copies.merge(id, isIntact(member, id) ? 1 : 0, Integer::sum);
        }
      }
    }
    copies.forEach(
        (id, count) -> {
          if (count < enough) {
            tally.found(Violation.LOST, "version " + id + ": whole on " + count + " disks");
          }
        });
  }

  private static boolean isIntact(MemberProcess member, String versionId) {
    Path file = member.data().resolve("tasks/versions/" + versionId + ".safetensors");
    try {
      return TaskVersionFile.versionId(Files.readAllBytes(file)).equals(versionId);
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Every member answers with exactly the active versions, and all alike. */
  private void checkAnswers(ListTasksResponse tasks) {
    Map<String, Integer> expected =
        tasks.getTasksList().stream()
            .flatMap(
                task ->
                    task.getVersionsList().stream()
                        .filter(one -> one.getVersionId().equals(task.getActiveVersionId())))
            .map(version -> Lesson.Origin.of(version.getClassNames(0)))
            .collect(Collectors.toMap(Lesson.Origin::task, Lesson.Origin::number));
    for (MemberProcess member : cluster.members()) {
      for (int probe = 0; probe < Reader.PROBES; probe++) {
        Map<String, Integer> answered = Reader.ask(member, probe, epochs, answers);
        if (!answered.equals(expected)) {
          tally.found(
              Violation.HALF_VISIBLE,
              "member " + member.name() + " answers with " + answered + ", listed: " + expected);
        }
      }
    }
  }
}
