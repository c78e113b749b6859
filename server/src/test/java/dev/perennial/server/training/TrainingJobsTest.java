package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(240)
class TrainingJobsTest {

  @TempDir Path directory;
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    Collections.reverse(opened);
    for (AutoCloseable each : opened) {
      each.close();
    }
  }

  @Test
  void commit_trainsAndPublishes_jobTellsVersionAndEpoch() throws Exception {
    FakeHost host = host();
    TrainingJobs jobs = started(host);
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    assertEquals(30, job.examples());
    assertEquals(JobState.QUEUED, job.state());
    TrainingJob ended = TestJobs.ended(jobs, job.jobId());
    assertEquals(JobState.SUCCEEDED, ended.state());
    assertEquals("version-1", ended.versionId());
    assertEquals(1, ended.epoch());
    assertEquals(28, ended.progress().step());
    assertEquals(28, ended.progress().steps());
    assertEquals(4, ended.progress().epoch());
    assertEquals(1f, ended.progress().validationAccuracyBest());
    assertEquals(List.of(ended), jobs.jobs(null));
    assertEquals(List.of(ended), jobs.jobs("insects"));
    assertEquals(List.of(), jobs.jobs("birds"));
    assertEquals(job.jobId(), jobs.findRequest("r").orElseThrow().jobId());
    assertTrue(jobs.findRequest("s").isEmpty());
    assertFalse(Files.exists(spool(job)));
    assertEquals(0, host.openTrainers.get());
  }

  @Test
  void commit_sameRequestAgain_answersTheFirstJob() throws Exception {
    FakeHost host = host();
    TrainingJobs jobs = started(host);
    TrainingJob first = TestJobs.train(jobs, TestJobs.spec("r"));
    TrainingJob second = TestJobs.train(jobs, TestJobs.spec("r"));
    assertEquals(first.jobId(), second.jobId());
    TestJobs.ended(jobs, first.jobId());
    assertEquals(1, jobs.jobs(null).size());
    assertEquals(first.jobId(), TestJobs.train(jobs, TestJobs.spec("r")).jobId());
    jobs.close();
    TrainingJobs again = started(host);
    assertEquals(first.jobId(), TestJobs.train(again, TestJobs.spec("r")).jobId());
    assertEquals(1, host.published.size());
    assertUploadsAreEmpty();
  }

  @Test
  void commit_twoUploadsOfOneRequest_firstCommitMakesTheJob() throws Exception {
    TrainingJobs jobs = started(host());
    Upload first = TestJobs.open(jobs, TestJobs.spec("r"));
    Upload second = TestJobs.open(jobs, TestJobs.spec("r"));
    TestJobs.fill(first);
    TestJobs.fill(second);
    TrainingJob made = TestJobs.get(second.commit());
    assertEquals(made.jobId(), TestJobs.get(first.commit()).jobId());
    TestJobs.ended(jobs, made.jobId());
    assertEquals(1, jobs.jobs(null).size());
    assertUploadsAreEmpty();
  }

  @Test
  void commit_noExamplesOrAClassWithout_refused() throws Exception {
    TrainingJobs jobs = started(host());
    Upload empty = TestJobs.open(jobs, TestJobs.spec("r").decided(List.of(), 0));
    assertInvalid("spec.class_names", "TOO_FEW_CLASSES", empty.commit());
    Upload oneClass = TestJobs.open(jobs, TestJobs.spec("r").decided(List.of(), 0));
    TestJobs.get(oneClass.add(FakeHost.picture(0, 0), "ant"));
    assertInvalid("spec.class_names", "TOO_FEW_CLASSES", oneClass.commit());
    Upload missing = TestJobs.open(jobs, TestJobs.spec("r"));
    TestJobs.get(missing.add(FakeHost.picture(0, 0), "ant"));
    TestJobs.get(missing.add(FakeHost.picture(1, 0), "bee"));
    ServingException e = (ServingException) TestJobs.failure(missing.commit());
    assertEquals("CLASSES_WITHOUT_EXAMPLES", e.reason());
    assertEquals("classes without examples: 1 (\"cat\") (expected: 0)", e.getMessage());
    assertUploadsAreEmpty();
    assertEquals(List.of(), jobs.jobs(null));
  }

  @Test
  void commit_classesAndEpochsLeftOpen_decided() throws Exception {
    TrainingJobs jobs = started(host());
    try (Upload upload = TestJobs.open(jobs, TestJobs.spec("r").decided(List.of(), 0))) {
      for (String label : List.of("cat", "ant", "ant")) {
        TestJobs.get(upload.add(FakeHost.picture(0, 1), label));
      }
      TrainingJob job = TestJobs.get(upload.commit());
      assertEquals(List.of("ant", "cat"), job.spec().classNames());
      assertEquals(40, job.spec().epochs());
    }
  }

  @Test
  void start_unfinishedJobs_runInTheirOrder() throws Exception {
    List<String> ids = new ArrayList<>();
    FakeHost held = host();
    CountDownLatch release = new CountDownLatch(1);
    held.beforeStep = step -> Uninterruptibly.run(release::await);
    TrainingJobs before = started(held);
    for (int i = 0; i < 4; i++) {
      ids.add(TestJobs.train(before, TestJobs.spec("r" + i)).jobId());
    }
    assertEquals(JobState.QUEUED, before.job(ids.get(3)).state());
    before.close();
    release.countDown();
    FakeHost host = host();
    List<String> order = Collections.synchronizedList(new ArrayList<>());
    TrainingJobs after = started(host);
    for (String id : ids) {
      TestJobs.ended(after, id);
      order.add(id);
      assertEquals("version-" + order.size(), after.job(id).versionId());
    }
    List<String> newestFirst = new ArrayList<>(ids);
    Collections.reverse(newestFirst);
    assertEquals(newestFirst, after.jobs(null).stream().map(TrainingJob::jobId).toList());
  }

  @Test
  void start_endedJobs_areRemembered() throws Exception {
    FakeHost host = host();
    TrainingJobs before = started(host);
    TrainingJob good =
        TestJobs.ended(before, TestJobs.train(before, TestJobs.spec("good")).jobId());
    TrainingJob bad =
        TestJobs.ended(
            before, TestJobs.train(before, TestJobs.spec("bad", 4, 3e38f, 0.1f)).jobId());
    before.close();
    TrainingJobs after = started(host);
    TrainingJob goodAgain = after.job(good.jobId());
    assertEquals(good.state(), goodAgain.state());
    assertEquals(good.versionId(), goodAgain.versionId());
    assertEquals(good.epoch(), goodAgain.epoch());
    assertEquals(good.spec(), goodAgain.spec());
    assertEquals(good.created(), goodAgain.created());
    assertEquals(good.ended(), goodAgain.ended());
    assertEquals(good.progress().step(), goodAgain.progress().step());
    TrainingJob badAgain = after.job(bad.jobId());
    assertEquals(JobState.FAILED, badAgain.state());
    ServingException error = Objects.requireNonNull(badAgain.error());
    assertEquals("TRAINING_DIVERGED", error.reason());
    assertEquals("spec.options.learning_rate", error.field());
    assertEquals(1, host.published.size());
  }

  /** Published, but the server stopped before the job said so. */
  @Test
  void close_whileBeingInstalled_publishesTheSameVersionAgain() throws Exception {
    FakeHost host = host();
    CompletableFuture<Void> never = new CompletableFuture<>();
    host.installed = never;
    TrainingJobs before = started(host);
    TrainingJob job = TestJobs.train(before, TestJobs.spec("r"));
    TestJobs.until(before, job.jobId(), JobState.PUBLISHING);
    while (host.published.isEmpty()) {
      Thread.onSpinWait();
    }
    before.close();
    int steps = host.steps.get();
    host.installed = CompletableFuture.completedFuture(null);
    TrainingJobs after = started(host);
    TestJobs.ended(after, job.jobId());
    assertEquals(steps, host.steps.get()); // the last checkpoint was enough
    assertEquals(2, host.published.size());
    Bits.assertSame(host.published.get(0), host.published.get(1));
    assertEquals(host.published.get(0).created(), host.published.get(1).created());
  }

  @Test
  void start_spoolLost_jobFailsAndOthersRun() throws Exception {
    FakeHost held = host();
    CountDownLatch release = new CountDownLatch(1);
    held.beforeStep = step -> Uninterruptibly.run(release::await);
    TrainingJobs before = started(held);
    TrainingJob lost = TestJobs.train(before, TestJobs.spec("lost"));
    TrainingJob kept = TestJobs.train(before, TestJobs.spec("kept"));
    before.close();
    release.countDown();
    Files.delete(spool(lost));
    TrainingJobs after = started(host());
    TrainingJob ended = TestJobs.ended(after, lost.jobId());
    assertEquals(JobState.FAILED, ended.state());
    assertEquals(ErrorCode.DATA_LOSS, Objects.requireNonNull(ended.error()).code());
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(after, kept.jobId()).state());
  }

  @Test
  void start_damagedJobFile_leftOutAndOthersRun() throws Exception {
    FakeHost host = host();
    TrainingJobs before = started(host);
    TrainingJob damaged = TestJobs.train(before, TestJobs.spec("r1"));
    TrainingJob good = TestJobs.train(before, TestJobs.spec("r2"));
    TestJobs.ended(before, good.jobId());
    before.close();
    Path file = directory.resolve("jobs").resolve(damaged.jobId()).resolve("job.json");
    Files.writeString(file, "{\"format\": 1, \"job_id\": ");
    TrainingJobs after = started(host);
    assertEquals(1, after.jobs(null).size());
    assertThrows(ServingException.class, () -> after.job(damaged.jobId()));
    assertTrue(Files.exists(file)); // for whoever wants to look
  }

  @Test
  void start_damagedCheckpoint_trainsFromTheStart() throws Exception {
    FakeHost held = host();
    CompletableFuture<Void> release = new CompletableFuture<>();
    CountDownLatch reached = new CountDownLatch(1);
    held.beforeStep =
        step -> {
          if (step == 15) {
            reached.countDown();
            release.join();
          }
        };
    TrainingJobs before = started(held);
    TrainingJob job = TestJobs.train(before, TestJobs.spec("r"));
    reached.await();
    before.close();
    release.complete(null);
    Path checkpoint = directory.resolve("jobs").resolve(job.jobId()).resolve("checkpoint");
    byte[] bytes = Files.readAllBytes(checkpoint);
    bytes[bytes.length / 2] ^= 1;
    Files.write(checkpoint, bytes);
    FakeHost host = host();
    TrainingJobs after = started(host);
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(after, job.jobId()).state());
    assertEquals(28, host.steps.get());
  }

  @Test
  void start_unusableDirectory_saysSo() throws Exception {
    Path file = directory.resolve("file");
    Files.writeString(file, "");
    TrainingJobs jobs = TestJobs.jobs(file, host());
    ServingException e = assertThrows(ServingException.class, jobs::start);
    assertEquals("SPOOL_UNUSABLE", e.reason());
    jobs.close();
  }

  @Test
  void cancel_queued_neverRuns() throws Exception {
    FakeHost host = host();
    CountDownLatch release = new CountDownLatch(1);
    host.beforeStep = step -> Uninterruptibly.run(release::await);
    TrainingJobs jobs = started(host);
    TrainingJob first = TestJobs.train(jobs, TestJobs.spec("r1"));
    TrainingJob second = TestJobs.train(jobs, TestJobs.spec("r2"));
    assertEquals(JobState.CANCELLED, jobs.cancel(second.jobId()).state());
    assertFalse(Files.exists(spool(second)));
    release.countDown();
    TestJobs.ended(jobs, first.jobId());
    assertEquals(1, host.published.size());
    assertNull(jobs.job(second.jobId()).versionId());
    jobs.close();
    TrainingJobs after = started(host);
    assertEquals(JobState.CANCELLED, after.job(second.jobId()).state());
  }

  @Test
  void cancel_running_stopsBetweenSteps() throws Exception {
    FakeHost host = host();
    CompletableFuture<Void> release = new CompletableFuture<>();
    CountDownLatch reached = new CountDownLatch(1);
    host.beforeStep =
        step -> {
          if (step == 9) {
            reached.countDown();
            release.join();
          }
        };
    TrainingJobs jobs = started(host);
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    reached.await();
    jobs.cancel(job.jobId());
    jobs.cancel(job.jobId());
    assertEquals(JobState.CANCELLED, TestJobs.ended(jobs, job.jobId()).state());
    release.complete(null);
    assertEquals(10, host.steps.get());
    assertEquals(0, host.published.size());
    assertFalse(Files.exists(spool(job)));
    TrainingJob next = TestJobs.train(jobs, TestJobs.spec("next"));
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, next.jobId()).state());
  }

  /** The server dies between the answer to cancel and the job's end. */
  @Test
  void cancel_thenKilled_staysCancelled() throws Exception {
    FakeHost host = host();
    CountDownLatch reached = new CountDownLatch(1);
    CompletableFuture<Void> release = new CompletableFuture<>();
    host.beforeStep =
        step -> {
          reached.countDown();
          release.join();
        };
    TrainingJobs jobs = started(host);
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    reached.await();
    Path jobFile = directory.resolve("jobs").resolve(job.jobId()).resolve("job.json");
    Path copy = directory.resolve("copy");
    byte[] running = JobJson.write(jobs.job(job.jobId()), true); // what cancel leaves
    jobs.cancel(job.jobId());
    TestJobs.ended(jobs, job.jobId());
    jobs.close();
    release.complete(null);
    Files.createDirectories(copy.resolve("jobs").resolve(job.jobId()));
    Files.write(copy.resolve("jobs").resolve(job.jobId()).resolve("job.json"), running);
    assertTrue(Files.exists(jobFile));
    FakeHost after = host();
    TrainingJobs again = TestJobs.jobs(copy, after);
    opened.add(again);
    again.start();
    assertEquals(JobState.CANCELLED, again.job(job.jobId()).state());
    assertEquals(0, after.steps.get());
  }

  @Test
  void cancel_ended_staysAsItIs() throws Exception {
    TrainingJobs jobs = started(host());
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    TestJobs.ended(jobs, job.jobId());
    assertEquals(JobState.SUCCEEDED, jobs.cancel(job.jobId()).state());
    assertEquals(JobState.SUCCEEDED, jobs.job(job.jobId()).state());
  }

  @Test
  void job_unknown_notFound() {
    TrainingJobs jobs = started(host());
    for (Runnable call :
        List.<Runnable>of(
            () -> jobs.job("x"), () -> jobs.cancel("x"), () -> jobs.watch("x", job -> {}))) {
      ServingException e = assertThrows(ServingException.class, call::run);
      assertEquals(ErrorCode.NOT_FOUND, e.code());
    }
  }

  @Test
  void run_twoDevices_twoJobsAtATimeAndNoMore() throws Exception {
    FakeHost host = new FakeHost(2);
    opened.add(host);
    CountDownLatch release = new CountDownLatch(1);
    host.beforeStep = step -> Uninterruptibly.run(release::await);
    TrainingJobs jobs = started(host);
    List<TrainingJob> all = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      all.add(TestJobs.train(jobs, TestJobs.spec("r" + i)));
    }
    TestJobs.until(jobs, all.get(0).jobId(), JobState.RUNNING);
    TestJobs.until(jobs, all.get(1).jobId(), JobState.RUNNING);
    assertEquals(JobState.QUEUED, jobs.job(all.get(2).jobId()).state());
    release.countDown();
    for (TrainingJob job : all) {
      assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, job.jobId()).state());
    }
  }

  @Test
  void run_deviceGone_jobWaitsForTheNextStart() throws Exception {
    FakeHost host = host();
    CountDownLatch tried = new CountDownLatch(1);
    host.beforeStep =
        step -> {
          tried.countDown();
          throw new ServingException(ErrorCode.UNAVAILABLE, "DEVICE_CLOSED", "device: closed");
        };
    TrainingJobs jobs = started(host);
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    tried.await();
    TestJobs.until(jobs, job.jobId(), JobState.QUEUED);
    jobs.close();
    TrainingJobs after = started(host());
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(after, job.jobId()).state());
  }

  @Test
  void run_deviceFails_jobFailsAndTheNextRuns() throws Exception {
    FakeHost host = host();
    host.beforeStep =
        step -> {
          if (step == 5) {
            throw new IllegalStateException("broken step");
          }
        };
    TrainingJobs jobs = started(host);
    TrainingJob first = TestJobs.train(jobs, TestJobs.spec("r1"));
    TrainingJob ended = TestJobs.ended(jobs, first.jobId());
    assertEquals(JobState.FAILED, ended.state());
    assertEquals(ErrorCode.INTERNAL, Objects.requireNonNull(ended.error()).code());
    TrainingJob second = TestJobs.train(jobs, TestJobs.spec("r2"));
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, second.jobId()).state());
  }

  @Test
  void forget_moreThanMaxJobs_oldestEndedGo() throws Exception {
    FakeHost host = host();
    TrainingConfig config = new TrainingConfig(4, 1L << 30, 1L << 30, 1_000, 2);
    TrainingJobs jobs = started(host, config, Disk.REAL);
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      ids.add(TestJobs.train(jobs, TestJobs.spec("r" + i)).jobId());
      TestJobs.ended(jobs, ids.get(i));
    }
    assertEquals(List.of(ids.get(3), ids.get(2)), ids(jobs));
    assertTrue(jobs.findRequest("r0").isEmpty());
    jobs.close();
    TrainingJobs after = started(host, config, Disk.REAL);
    assertEquals(List.of(ids.get(3), ids.get(2)), ids(after));
    try (Stream<Path> left = Files.list(directory.resolve("jobs"))) {
      assertEquals(2, left.count());
    }
  }

  @Test
  void commit_tooManyUnfinishedJobs_refused() throws Exception {
    FakeHost host = host();
    CountDownLatch release = new CountDownLatch(1);
    host.beforeStep = step -> Uninterruptibly.run(release::await);
    TrainingJobs jobs =
        started(host, new TrainingConfig(4, 1L << 30, 1L << 30, 1_000, 2), Disk.REAL);
    TestJobs.train(jobs, TestJobs.spec("r1"));
    TestJobs.train(jobs, TestJobs.spec("r2"));
    try (Upload third = TestJobs.open(jobs, TestJobs.spec("r3"))) {
      TestJobs.fill(third);
      ServingException e = (ServingException) TestJobs.failure(third.commit());
      assertEquals("TOO_MANY_JOBS", e.reason());
      assertEquals(ErrorCode.RESOURCE_EXHAUSTED, e.code());
    }
    release.countDown();
  }

  @Test
  void commit_diskFull_noJobAndNothingLeft() throws Exception {
    FullDisk disk = new FullDisk();
    TrainingJobs jobs = started(host(), TrainingConfig.DEFAULT, disk);
    int changes = 7; // of a commit: 3 of job.json, its directory, the move, 2 directories
    for (int fails = 0; fails < changes; fails++) {
      try (Upload upload = TestJobs.open(jobs, TestJobs.spec("r"))) {
        TestJobs.fill(upload);
        disk.successesLeft.set(fails);
        ServingException e = (ServingException) TestJobs.failure(upload.commit());
        assertEquals("DISK_FULL", e.reason());
      }
      assertUploadsAreEmpty();
      try (Stream<Path> left = Files.list(directory.resolve("jobs"))) {
        assertEquals(0, left.count(), "after " + fails);
      }
    }
    disk.successesLeft.set(changes);
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, job.jobId()).state());
  }

  @Test
  void run_diskFullForCheckpoints_trainsOn() throws Exception {
    FullDisk disk = new FullDisk();
    FakeHost host = host();
    TrainingJobs jobs = started(host, TrainingConfig.DEFAULT, disk);
    host.beforeStep = step -> disk.full = true;
    host.beforePublish = version -> disk.full = false;
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, job.jobId()).state());
  }

  @Test
  void watch_slowListener_missesStatesButNotTheLast() throws Exception {
    FakeHost host = host();
    TrainingJobs jobs = started(host);
    CountDownLatch release = new CountDownLatch(1);
    host.beforeStep =
        step -> {
          if (step == 0) {
            Uninterruptibly.run(release::await);
          }
        };
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    BlockingQueue<TrainingJob> slow = new LinkedBlockingQueue<>();
    CountDownLatch listening = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AutoCloseable watch =
        jobs.watch(
            job.jobId(),
            state -> {
              slow.add(state);
              listening.countDown();
              Uninterruptibly.run(goOn::await);
            });
    listening.await();
    release.countDown();
    TestJobs.ended(jobs, job.jobId()); // another's watch is not held up, nor is the job
    assertEquals(1, slow.size());
    goOn.countDown();
    slow.poll(60, TimeUnit.SECONDS);
    TrainingJob last = Objects.requireNonNull(slow.poll(60, TimeUnit.SECONDS));
    assertEquals(JobState.SUCCEEDED, last.state());
    watch.close();
  }

  @Test
  void watch_endedJob_calledOnce() throws Exception {
    TrainingJobs jobs = started(host());
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    TestJobs.ended(jobs, job.jobId());
    BlockingQueue<TrainingJob> seen = new LinkedBlockingQueue<>();
    AutoCloseable watch = jobs.watch(job.jobId(), seen::add);
    assertEquals(
        JobState.SUCCEEDED, Objects.requireNonNull(seen.poll(60, TimeUnit.SECONDS)).state());
    watch.close();
    assertEquals(0, seen.size());
  }

  @Test
  void watch_listenerThrows_jobAndOthersUnharmed() throws Exception {
    TrainingJobs jobs = started(host());
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    AutoCloseable watch =
        jobs.watch(
            job.jobId(),
            state -> {
              throw new IllegalStateException("listener");
            });
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, job.jobId()).state());
    watch.close();
  }

  @Test
  void open_afterClose_unavailable() {
    TrainingJobs jobs = started(host());
    jobs.close();
    jobs.close();
    ServingException e =
        assertThrows(ServingException.class, () -> TestJobs.open(jobs, TestJobs.spec("r")));
    assertEquals(ErrorCode.UNAVAILABLE, e.code());
  }

  private FakeHost host() {
    FakeHost host = new FakeHost();
    opened.add(host);
    return host;
  }

  private TrainingJobs started(FakeHost host) {
    return started(host, TrainingConfig.DEFAULT, Disk.REAL);
  }

  private TrainingJobs started(FakeHost host, TrainingConfig config, Disk disk) {
    TrainingJobs jobs = TestJobs.jobs(directory, host, config, disk);
    opened.add(jobs);
    jobs.start();
    return jobs;
  }

  private Path spool(TrainingJob job) {
    return directory.resolve("jobs").resolve(job.jobId()).resolve("examples.spool");
  }

  private static List<String> ids(TrainingJobs jobs) {
    return jobs.jobs(null).stream().map(TrainingJob::jobId).toList();
  }

  private void assertUploadsAreEmpty() throws IOException {
    try (Stream<Path> left = Files.list(directory.resolve("uploads"))) {
      assertEquals(0, left.count());
    }
  }

  private static void assertInvalid(String field, String reason, CompletableFuture<?> future)
      throws Exception {
    ServingException e = (ServingException) TestJobs.failure(future);
    assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
    assertEquals(field, e.field());
    assertEquals(reason, e.reason());
  }
}
