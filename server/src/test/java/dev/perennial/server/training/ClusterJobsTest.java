package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.TaskVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Jobs and uploads that outlive the member that they began at. */
@Timeout(240)
class ClusterJobsTest {
  @RegisterExtension final FakeCluster cluster = new FakeCluster("a", "b", "c");

  @Test
  void kill_whileTraining_twinEndsItWithTheSameVersionAndWatchersSeeIt() throws Exception {
    TaskVersion undisturbed = undisturbed();
    CountDownLatch reached = holdAt("b", 16);
    TrainingJob job = cluster.train("b", TestJobs.SPEC);
    BlockingQueue<TrainingJob> seen = new LinkedBlockingQueue<>();
    AutoCloseable watch = cluster.get("a").jobs.watch(job.jobId(), seen::add);
    reached.await();
    TestJobs.until(() -> same(job.jobId() + "/checkpoint"));
    cluster.get("b").kill();
    cluster.group("a", "c");
    TrainingJob last;
    do {
      last = seen.poll(60, TimeUnit.SECONDS);
      assertTrue(last != null, "watch is stuck");
    } while (!last.state().ended());
    watch.close();
    assertEquals(JobState.SUCCEEDED, last.state());
    Bits.assertSame(undisturbed, cluster.get("c").host.published.get(0));
    assertEquals(14, cluster.get("c").host.steps.get()); // two of four epochs
    assertEquals(0, cluster.get("a").host.steps.get());
    assertEquals(1, cluster.get("a").peers.takeovers());
  }

  @Test
  void kill_duringTheUpload_resumedAtAThirdMemberWithoutSendingAgain() throws Exception {
    TaskVersion undisturbed = undisturbed();
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    cluster.get("b").kill();
    cluster.group("a", "c");
    Upload resumed = TestJobs.open(cluster.get("a").jobs, TestJobs.SPEC, UploadMode.RESUMED);
    assertEquals(13, resumed.resumed());
    TestJobs.add(resumed, 13, 30);
    TrainingJob job = TestJobs.get(resumed.commit());
    assertEquals(JobState.SUCCEEDED, cluster.ended("a", job.jobId()).state());
    Bits.assertSame(undisturbed, cluster.get("a").host.published.get(0));
  }

  @Test
  void resume_ownerLives_handsTheUploadOver() throws Exception {
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    Upload resumed = TestJobs.open(cluster.get("a").jobs, TestJobs.SPEC, UploadMode.RESUMED);
    assertEquals(13, resumed.resumed());
    ServingException e =
        (ServingException) TestJobs.failure(upload.add(FakeHost.picture(0, 0), "ant"));
    assertEquals("UPLOAD_CLOSED", e.reason());
    TestJobs.add(resumed, 13, 30);
    TrainingJob job = TestJobs.get(resumed.commit());
    assertEquals(30, job.examples());
    cluster.ended("c", job.jobId());
  }

  @Test
  void kill_twinDuringTheUpload_aNewTwinHasAllBeforeTheNextIsAcknowledged() throws Exception {
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 7);
    cluster.get("c").kill();
    cluster.group("a", "b");
    TestJobs.add(upload, 7, 8);
    cluster.get("b").kill();
    cluster.group("a");
    assertEquals(
        8, TestJobs.open(cluster.get("a").jobs, TestJobs.SPEC, UploadMode.RESUMED).resumed());
  }

  /** The coordinator has heard its own uploads before this one began; the copy's member asks. */
  @Test
  void restart_twinOfACoordinatorsUpload_theUploadStaysWithItsOwner() throws Exception {
    FakeCluster.Member owner = cluster.get("a");
    TestJobs.ended(owner.jobs, TestJobs.train(owner.jobs, TestJobs.spec("before")).jobId());
    cluster.get("c").kill();
    cluster.group("a", "b");
    Upload upload = TestJobs.open(owner.jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    cluster.get("b").kill();
    FakeCluster.Member back = cluster.onDiskOf("b", "b2");
    cluster.group("a", "b2");
    back.jobs.start();
    TestJobs.add(upload, 13, 30);
    TrainingJob job = TestJobs.get(upload.commit());
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(owner.jobs, job.jobId()).state());
    assertEquals(0, back.host.steps.get());
  }

  @Test
  void commit_oneRequestAtTwoMembersAtOnce_makesOneJob() throws Exception {
    Upload first = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    Upload second = TestJobs.open(cluster.get("c").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.fill(first);
    TestJobs.fill(second);
    CompletableFuture<TrainingJob> one = first.commit();
    CompletableFuture<TrainingJob> other = second.commit();
    String jobId = TestJobs.get(one).jobId();
    assertEquals(jobId, TestJobs.get(other).jobId());
    cluster.ended("a", jobId);
    for (String name : List.of("a", "b", "c")) {
      TrainingJobs jobs = cluster.get(name).jobs;
      assertEquals(JobState.SUCCEEDED, cluster.ended(name, jobId).state());
      assertEquals(1, jobs.jobs(null).size());
      UploadOpening again = jobs.open(TestJobs.SPEC, UploadMode.KEPT);
      assertEquals(jobId, ((UploadOpening.Made) again).job().jobId());
    }
    assertEquals(1, published());
  }

  /** It was given up while it stood still, and does not know it yet. */
  @Test
  void publish_byAFormerOwner_isRefused() throws Exception {
    CountDownLatch reached = new CountDownLatch(1);
    CompletableFuture<Void> thawed = new CompletableFuture<>();
    cluster.get("b").host.beforePublish =
        version -> {
          reached.countDown();
          thawed.join();
        };
    TrainingJob job = cluster.train("b", TestJobs.SPEC);
    reached.await();
    cluster.group("a", "c");
    cluster.ended("c", job.jobId());
    FakeCluster.Member b = cluster.get("b");
    CompletableFuture<String> refusal = new CompletableFuture<>();
    Consumer<Fence> fence = b.host.beforeFence;
    b.host.beforeFence =
        wanted -> {
          try {
            fence.accept(wanted);
            refusal.complete("accepted");
          } catch (ServingException e) {
            refusal.complete(e.reason());
            throw e;
          }
        };
    cluster.group("a", "c", "b"); // before it has asked for its job again
    thawed.complete(null);
    assertEquals("STALE_OWNER", TestJobs.get(refusal));
    assertEquals(1, cluster.get("a").peers.rejected());
    TestJobs.until(() -> b.jobs.job(job.jobId()).state() == JobState.SUCCEEDED);
    assertEquals(1, published());
  }

  @Test
  void kill_ownerAndTwin_whoeverIsBackGoesOn() throws Exception {
    CountDownLatch reached = holdAt("b", 10);
    TrainingJob job = cluster.train("b", TestJobs.SPEC);
    reached.await();
    cluster.get("b").kill();
    cluster.get("c").kill();
    cluster.group("a");
    FakeCluster.Member back = cluster.onDiskOf("b", "b2");
    cluster.group("a", "b2");
    back.jobs.start();
    assertEquals(JobState.SUCCEEDED, cluster.ended("a", job.jobId()).state());
    assertEquals(1, back.host.published.size());
    FakeCluster.Member late = cluster.onDiskOf("c", "c2");
    cluster.group("a", "b2", "c2");
    late.jobs.start();
    TestJobs.until(() -> !Files.exists(cluster.path("c/copies/" + job.jobId())));
    assertEquals(0, late.host.steps.get());
    TestJobs.until(
        () -> late.jobs.jobs(null).stream().anyMatch(known -> known.state() == JobState.SUCCEEDED));
  }

  @Test
  void cancel_atAnotherMember_stopsTheJob() throws Exception {
    CountDownLatch reached = holdAt("b", 3);
    TrainingJob job = cluster.train("b", TestJobs.SPEC);
    reached.await();
    cluster.get("a").jobs.cancel(job.jobId());
    assertEquals(JobState.CANCELLED, cluster.ended("c", job.jobId()).state());
    assertEquals(0, published());
  }

  /** One member is back, and the one that decides does not answer yet. */
  @Test
  void restart_beforeAnybodyDecides_theJobIsThereAndCanBeCancelled() throws Exception {
    CountDownLatch reached = holdAt("b", 10);
    TrainingJob job = cluster.train("b", TestJobs.SPEC);
    reached.await();
    List.of("a", "b", "c").forEach(name -> cluster.get(name).kill());
    FakeCluster.Member back = cluster.onDiskOf("b", "b2");
    back.sees("a", "b2");
    back.jobs.start();
    assertEquals(JobState.QUEUED, back.jobs.job(job.jobId()).state());
    UploadOpening again = back.jobs.open(TestJobs.SPEC, UploadMode.KEPT);
    assertEquals(job.jobId(), ((UploadOpening.Made) again).job().jobId());
    CompletableFuture<TrainingJob> cancelled =
        CompletableFuture.supplyAsync(() -> back.jobs.cancel(job.jobId()));
    back.host.beforeStep = step -> cancelled.handle((known, e) -> step).join();
    cluster.group("b2");
    TestJobs.get(cancelled);
    assertEquals(JobState.CANCELLED, TestJobs.ended(back.jobs, job.jobId()).state());
  }

  /** Its commit reached no other member and was never answered; the request's job is another. */
  @Test
  void restart_withAJobThatNobodyWasToldOf_doesNotShowIt() throws Exception {
    Upload lost = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.fill(lost);
    cluster.group("a", "c");
    var unused = lost.commit();
    TestJobs.until(() -> cluster.names("b/jobs").size() == 1);
    cluster.get("b").kill();
    TrainingJobs jobs = cluster.get("a").jobs;
    TrainingJob made = TestJobs.ended(jobs, TestJobs.train(jobs, TestJobs.SPEC).jobId());
    FakeCluster.Member back = cluster.onDiskOf("b", "b2");
    cluster.group("a", "c", "b2");
    back.jobs.start();
    TestJobs.until(() -> cluster.ids("b2").equals(List.of(made.jobId())));
    TestJobs.until(() -> cluster.names("b/copies").isEmpty());
    assertEquals(1, published());
  }

  @Test
  void restart_withManyEndedJobs_tellsTheOthersInBatches() throws Exception {
    cluster.get("a").kill();
    JobStore store = new JobStore(cluster.path("a"), Disk.REAL);
    for (int i = 0; i < 150; i++) {
      store.saveEnded(JobTableTest.job(i, JobState.SUCCEEDED));
    }
    AtomicInteger told = new AtomicInteger();
    cluster.stops =
        (asker, question) -> {
          told.addAndGet(question.contains("\"op\":\"Tell\"") ? 1 : 0);
          return false;
        };
    FakeCluster.Member back = cluster.onDiskOf("a", "a2");
    cluster.group("b", "c", "a2");
    back.jobs.start();
    TestJobs.until(() -> cluster.get("c").jobs.jobs(null).size() == 150);
    assertTrue(told.get() >= 6 && told.get() < 150, told + " messages");
  }

  @Test
  void copy_everyThirdAnswerIsLost_nothingIsLostOrDoubled() throws Exception {
    AtomicInteger answers = new AtomicInteger();
    cluster.loses = (asker, question) -> answers.incrementAndGet() % 3 == 0;
    TaskVersion undisturbed = undisturbed();
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 30);
    TrainingJob job = TestJobs.get(upload.commit());
    cluster.ended("b", job.jobId());
    Bits.assertSame(undisturbed, cluster.get("b").host.published.get(0));
    TestJobs.until(
        () ->
            cluster.get("c").jobs.jobs(null).stream()
                .anyMatch(known -> known.state() == JobState.SUCCEEDED));
    assertEquals(1, published());
  }

  /** Whether c's copy of a file of b's jobs is as it is there. */
  private boolean same(String file) {
    try {
      return Files.mismatch(cluster.path("b/jobs/" + file), cluster.path("c/copies/" + file)) == -1;
    } catch (IOException e) {
      return false;
    }
  }

  private int published() {
    return List.of("a", "b", "c").stream()
        .mapToInt(name -> cluster.get(name).host.published.size())
        .sum();
  }

  private TaskVersion undisturbed() throws Exception {
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs = TestJobs.jobs(cluster.path("alone"), host)) {
      jobs.start();
      TestJobs.ended(jobs, TestJobs.train(jobs, TestJobs.SPEC).jobId());
      return host.published.get(0);
    }
  }

  /** The member's steps wait from that one on, until it is killed or the job is cancelled. */
  private CountDownLatch holdAt(String name, int at) {
    CountDownLatch reached = new CountDownLatch(1);
    CompletableFuture<Void> never = new CompletableFuture<>();
    cluster.get(name).host.beforeStep =
        step -> {
          if (step == at) {
            reached.countDown();
            never.join();
          }
        };
    return reached;
  }
}
