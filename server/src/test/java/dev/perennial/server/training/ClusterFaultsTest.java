package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What fails half-way between members: what is answered holds, and what is not leaves nothing. */
@Timeout(240)
class ClusterFaultsTest {
  @RegisterExtension final FakeCluster cluster = new FakeCluster("a", "b", "c");

  /** The wish must be where the job goes on. */
  @Test
  void cancel_ownerDiesBeforeItsTwinHasIt_holdsAtTheTwin() throws Exception {
    CountDownLatch running = holdAtFirstStep(cluster.get("b"));
    TrainingJob job = cluster.train("b", TestJobs.SPEC);
    running.await();
    AtomicInteger stopped = new AtomicInteger();
    cluster.stops =
        (asker, question) ->
            asker.equals("b") && question.contains("Put") && stopped.incrementAndGet() > 0;
    CompletableFuture<TrainingJob> cancelled =
        CompletableFuture.supplyAsync(() -> cluster.get("a").jobs.cancel(job.jobId()));
    TestJobs.until(() -> cancelled.isDone() || stopped.get() > 1);
    cluster.get("c").host.beforeStep = step -> cancelled.handle((known, e) -> step).join();
    cluster.get("b").kill();
    cluster.group("a", "c");
    TestJobs.get(cancelled);
    assertEquals(JobState.CANCELLED, cluster.ended("c", job.jobId()).state());
  }

  /** Nothing is decided before all have answered; who comes back with it drops it. */
  @Test
  void cancel_ownerAndTwinAreGone_endsTheJobForAll() throws Exception {
    try (FakeCluster four = new FakeCluster("a", "b", "c", "d")) {
      four.start();
      CountDownLatch running = holdAtFirstStep(four.get("b"));
      TrainingJob job = four.train("b", TestJobs.SPEC);
      running.await();
      TestJobs.until(() -> four.ids("a").size() + four.ids("d").size() == 2);
      AtomicInteger stopped = new AtomicInteger();
      four.stops =
          (asker, question) ->
              asker.equals("a") && question.contains("Find") && stopped.incrementAndGet() > 0;
      four.get("b").kill();
      four.get("c").kill();
      four.group("a", "d");
      CompletableFuture<TrainingJob> cancelled =
          CompletableFuture.supplyAsync(() -> four.get("a").jobs.cancel(job.jobId()));
      TestJobs.until(() -> cancelled.isDone() || stopped.get() > 2);
      assertFalse(four.get("a").jobs.job(job.jobId()).state().ended(), "without d's answer");
      four.stops = (asker, question) -> false;
      assertEquals(JobState.CANCELLED, TestJobs.get(cancelled).state());
      assertEquals(JobState.CANCELLED, four.ended("d", job.jobId()).state());
      assertEquals(List.of(job.jobId()), four.names("a/jobs"));
      TestJobs.until(() -> four.names("d/jobs").equals(List.of(job.jobId())));
      FakeCluster.Member again = four.onDiskOf("c", "c2");
      four.group("a", "d", "c2");
      again.jobs.start();
      TestJobs.until(() -> four.ids("c2").equals(List.of(job.jobId())));
      assertEquals(JobState.CANCELLED, TestJobs.ended(again.jobs, job.jobId()).state());
      TestJobs.until(() -> four.names("c/copies").isEmpty());
    }
  }

  /** Its twin's copy is all there is, and nobody works on it yet. */
  @Test
  void cancel_aCopyIsLeft_waitsForWhoTakesItOver() throws Exception {
    CountDownLatch running = holdAtFirstStep(cluster.get("b"));
    TrainingJob job = cluster.train("b", TestJobs.SPEC);
    running.await();
    AtomicInteger looked = new AtomicInteger();
    cluster.stops =
        (asker, question) -> {
          if (asker.equals("a") && question.contains("Find")) {
            looked.incrementAndGet();
          }
          return question.contains("Claim");
        };
    cluster.get("b").kill();
    cluster.group("a", "c");
    CompletableFuture<TrainingJob> cancelled =
        CompletableFuture.supplyAsync(() -> cluster.get("a").jobs.cancel(job.jobId()));
    TestJobs.until(() -> cancelled.isDone() || looked.get() > 2);
    assertFalse(cancelled.isDone(), "while c has a copy");
    cluster.get("c").host.beforeStep = step -> cancelled.handle((known, e) -> step).join();
    cluster.stops = (asker, question) -> false;
    TestJobs.get(cancelled);
    assertEquals(JobState.CANCELLED, cluster.ended("c", job.jobId()).state());
  }

  private static CountDownLatch holdAtFirstStep(FakeCluster.Member member) {
    CountDownLatch running = new CountDownLatch(1);
    CompletableFuture<Void> never = new CompletableFuture<>();
    member.host.beforeStep =
        step -> {
          running.countDown();
          never.join();
        };
    return running;
  }

  @Test
  void commit_otherDisksAreFull_isRefusedAndLeavesNothing() throws Exception {
    TrainingJobs b = cluster.get("b").jobs;
    Upload upload = TestJobs.open(b, TestJobs.SPEC);
    TestJobs.fill(upload);
    List.of("a", "c").forEach(name -> cluster.get(name).room.full = true);
    ServingException e = (ServingException) TestJobs.failure(upload.commit());
    assertEquals("DISK_FULL", e.reason());
    assertEquals(List.of(), cluster.ids("b"));
    assertEquals(List.of(), cluster.names("b/jobs"));
    List.of("a", "c").forEach(name -> cluster.get(name).room.full = false);
    TrainingJob job = TestJobs.train(b, TestJobs.SPEC);
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(b, job.jobId()).state());
  }

  /** It stood still between its commit's end on disk and the coordinator's answer. */
  @Test
  void commit_theRequestsJobIsMadeElsewhereMeanwhile_leavesNothing() throws Exception {
    TrainingJobs a = cluster.get("a").jobs;
    TrainingJobs b = cluster.get("b").jobs;
    Upload upload = TestJobs.open(b, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.fill(upload);
    cluster.group("a", "c");
    CompletableFuture<TrainingJob> committed = upload.commit();
    TestJobs.until(() -> cluster.names("b/jobs").size() == 1);
    TrainingJob made = TestJobs.ended(a, TestJobs.train(a, TestJobs.SPEC).jobId());
    cluster.group("a", "c", "b");
    assertEquals("CLOSING", ((ServingException) TestJobs.failure(committed)).reason());
    TestJobs.until(() -> cluster.ids("b").equals(List.of(made.jobId())));
    UploadOpening again = b.open(TestJobs.SPEC, UploadMode.KEPT);
    assertEquals(made.jobId(), ((UploadOpening.Made) again).job().jobId());
  }

  /** It stood still, nothing was sent meanwhile, and its stream is still open. */
  @Test
  void add_uploadWasTakenOver_isNotAcknowledged() throws Exception {
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    cluster.group("a", "c");
    TestJobs.until(() -> cluster.names("c/uploads").size() == 1);
    cluster.get("a").kill();
    cluster.group("c", "b"); // its new owner wants it to keep a copy: so it learns of it
    TestJobs.until(() -> cluster.names("b/uploads").isEmpty());
    ServingException e =
        (ServingException) TestJobs.failure(upload.add(FakeHost.picture(0, 0), "ant"));
    assertEquals(ErrorCode.UNAVAILABLE, e.code());
    upload.keep();
    Upload resumed = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.RESUMED);
    assertEquals(13, resumed.resumed());
  }

  /** What the oldest asks one of them while the other waits for it needs no lock of a claim. */
  @Test
  void claim_twoMembersAtOnce_eachAnswersForTheOther() throws Exception {
    try (FakeCluster five = new FakeCluster("a", "x", "b", "y", "c")) {
      five.start();
      TrainingSpec other = TestJobs.spec("other");
      TestJobs.add(TestJobs.open(five.get("x").jobs, TestJobs.SPEC, UploadMode.KEPT), 0, 13);
      TestJobs.add(TestJobs.open(five.get("y").jobs, other, UploadMode.KEPT), 0, 7);
      CountDownLatch both = new CountDownLatch(2);
      AtomicInteger claims = new AtomicInteger();
      five.stops =
          (asker, question) -> {
            if (question.contains("Claim")) {
              claims.incrementAndGet();
              both.countDown();
              Uninterruptibly.run(both::await);
            }
            return false;
          };
      List.of("x", "y").forEach(name -> five.get(name).kill());
      five.group("a", "b", "c");
      assertTrue(both.await(60, TimeUnit.SECONDS));
      assertEquals(
          13, TestJobs.open(five.get("b").jobs, TestJobs.SPEC, UploadMode.RESUMED).resumed());
      assertEquals(7, TestJobs.open(five.get("c").jobs, other, UploadMode.RESUMED).resumed());
      assertEquals(2, claims.get(), "claims, of which the first of each could be granted");
    }
  }
}
