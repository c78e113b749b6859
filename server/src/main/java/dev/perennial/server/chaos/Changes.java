package dev.perennial.server.chaos;

import dev.perennial.server.error.ServingException;
import dev.perennial.v1.ActivateTaskVersionRequest;
import dev.perennial.v1.ActivateTaskVersionResponse;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.TaskVersion;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import io.grpc.StatusRuntimeException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** Changes of the pool at one member or another, booked in the ledger. Safe for any thread. */
final class Changes {
  /** Rounds of a training that takes no time. */
  static final int SHORT = 1;

  private final Ledger ledger;
  private final Epochs epochs;
  private final AnswerLog answers;
  private final AtomicInteger lessons = new AtomicInteger();

  Changes(Ledger ledger, Epochs epochs, AnswerLog answers) {
    this.ledger = ledger;
    this.epochs = epochs;
    this.answers = answers;
  }

  /**
   * A training that has begun.
   *
   * @param account of the ledger
   */
  record Begun(MemberProcess member, Upload upload, String account, long floor) {}

  /** A lesson that was never held before. */
  Lesson lesson(String task, int rounds) {
    return new Lesson(task, lessons.incrementAndGet(), rounds);
  }

  /** Uploads a lesson and commits it. Throws UNAVAILABLE where the member is not connected. */
  Begun begin(MemberProcess member, String task, int rounds) {
    return begin(member, lesson(task, rounds), task);
  }

  /** The same with examples that are added to the classes of a lesson, and not trained on. */
  Begun contribute(MemberProcess member, String task, int lesson) {
    int number = lessons.incrementAndGet();
    return begin(
        member,
        new Lesson(task, number, Lesson.STATISTICS_ONLY, lesson),
        Ledger.contributionsTo(task));
  }

  private Begun begin(MemberProcess member, Lesson lesson, String account) {
    long floor = epochs.floor(member.name());
    Upload upload = Upload.open(member, lesson);
    ledger.publishUnknown(account, lesson.requestId());
    upload.sendAll();
    return new Begun(member, upload, account, floor);
  }

  /** Waits for the end; true where it was acknowledged. */
  boolean end(Begun begun) throws InterruptedException {
    TrainingJob job = begun.upload().result();
    if (job == null) {
      return false; // it may have happened all the same
    }
    ledger.committed(begun.account(), begun.upload().lesson().requestId());
    if (job.getState() != TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED) {
      return false;
    }
    succeeded(begun.member(), begun.floor(), job);
    return true;
  }

  /** A training was acknowledged by this member, in its own call or when it was asked later. */
  void succeeded(MemberProcess member, long floor, TrainingJob job) {
    epochs.seen(member.name(), floor, job.getEpoch());
    if (!job.getContributionId().isEmpty()) {
      ledger.contributed(job.getTask(), job.getRequestId(), job.getContributionId());
      return;
    }
    answers.known(job.getVersionId(), Lesson.origin(job.getTask(), job.getRequestId()));
    ledger.published(job.getTask(), job.getRequestId(), job.getVersionId());
  }

  boolean publish(MemberProcess member, String task) throws InterruptedException {
    try {
      return end(begin(member, task, SHORT));
    } catch (ServingException e) {
      return false; // dead at this moment
    }
  }

  boolean delete(MemberProcess member, String task) {
    long floor = epochs.floor(member.name());
    DeleteTaskRequest request = DeleteTaskRequest.newBuilder().setName(task).build();
    Set<String> seen = new HashSet<>();
    try {
      seen.addAll(versions(member, task));
      epochs.seen(member.name(), floor, member.tasks().deleteTask(request).getEpoch());
    } catch (StatusRuntimeException e) {
      ledger.deleteUnknown(task, seen);
      return false;
    } catch (ServingException e) {
      return false;
    }
    ledger.deleted(task, seen);
    return true;
  }

  private static List<String> versions(MemberProcess member, String task) {
    GetTaskRequest request = GetTaskRequest.newBuilder().setName(task).build();
    return member.tasks().getTask(request).getTask().getVersionsList().stream()
        .map(TaskVersion::getVersionId)
        .toList();
  }

  boolean activate(MemberProcess member, String task, String versionId) {
    long floor = epochs.floor(member.name());
    ActivateTaskVersionRequest request =
        ActivateTaskVersionRequest.newBuilder().setName(task).setVersionId(versionId).build();
    try {
      ActivateTaskVersionResponse answer = member.tasks().activateTaskVersion(request);
      epochs.seen(member.name(), floor, answer.getEpoch());
    } catch (StatusRuntimeException e) {
      ledger.activateUnknown(task);
      return false;
    } catch (ServingException e) {
      return false;
    }
    ledger.activated(task, versionId);
    return true;
  }
}
