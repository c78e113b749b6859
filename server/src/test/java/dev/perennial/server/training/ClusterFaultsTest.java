package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What fails half-way between members: what is answered holds, and what is not leaves nothing. */
@Timeout(180)
class ClusterFaultsTest {
  private static final TrainingSpec SPEC = TestJobs.spec("r");

  @TempDir Path directory;
  private FakeCluster cluster;

  @BeforeEach
  void start() {
    cluster = new FakeCluster(directory, "a", "b", "c");
  }

  @AfterEach
  void close() {
    cluster.close();
  }

  private static List<String> ids(TrainingJobs jobs) {
    return jobs.jobs(null).stream().map(TrainingJob::jobId).toList();
  }

  private static List<String> names(Path directory) {
    return List.of(Objects.requireNonNull(directory.toFile().list()));
  }

  /** The wish must be where the job goes on. */
  @Test
  void cancel_ownerDiesBeforeItsTwinHasIt_holdsAtTheTwin() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CompletableFuture<Void> never = new CompletableFuture<>();
    cluster.get("b").host.beforeStep =
        step -> {
          running.countDown();
          never.join();
        };
    TrainingJob job = TestJobs.train(cluster.get("b").jobs, SPEC);
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
    assertEquals(JobState.CANCELLED, TestJobs.ended(cluster.get("c").jobs, job.jobId()).state());
  }

  @Test
  void commit_twinsDiskIsFull_isRefusedAndLeavesNothing() throws Exception {
    TrainingJobs b = cluster.get("b").jobs;
    Upload upload = TestJobs.open(b, SPEC);
    TestJobs.fill(upload);
    cluster.get("c").room.full = true;
    ServingException e = (ServingException) TestJobs.failure(upload.commit());
    assertEquals("DISK_FULL", e.reason());
    assertEquals(List.of(), ids(b));
    assertEquals(List.of(), names(directory.resolve("b/jobs")));
    cluster.get("c").room.full = false;
    TrainingJob job = TestJobs.train(b, SPEC);
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(b, job.jobId()).state());
  }

  /** It stood still between its commit's end on disk and the coordinator's answer. */
  @Test
  void commit_theRequestsJobIsMadeElsewhereMeanwhile_leavesNothing() throws Exception {
    TrainingJobs a = cluster.get("a").jobs;
    TrainingJobs b = cluster.get("b").jobs;
    Upload upload = TestJobs.open(b, SPEC, UploadMode.KEPT);
    TestJobs.fill(upload);
    cluster.group("a", "c");
    CompletableFuture<TrainingJob> committed = upload.commit();
    TestJobs.until(() -> names(directory.resolve("b/jobs")).size() == 1);
    TrainingJob made = TestJobs.ended(a, TestJobs.train(a, SPEC).jobId());
    cluster.group("a", "c", "b");
    assertEquals("CLOSING", ((ServingException) TestJobs.failure(committed)).reason());
    TestJobs.until(() -> ids(b).equals(List.of(made.jobId())));
    UploadOpening again = b.open(SPEC, UploadMode.KEPT);
    assertEquals(made.jobId(), ((UploadOpening.Made) again).job().jobId());
  }

  /** It stood still, nothing was sent meanwhile, and its stream is still open. */
  @Test
  void add_uploadWasTakenOver_isNotAcknowledged() throws Exception {
    Upload upload = TestJobs.open(cluster.get("b").jobs, SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    cluster.group("a", "c");
    TestJobs.until(() -> names(directory.resolve("c/uploads")).size() == 1);
    cluster.get("a").kill();
    cluster.group("c", "b"); // its new owner wants it to keep a copy: so it learns of it
    TestJobs.until(() -> names(directory.resolve("b/uploads")).isEmpty());
    ServingException e =
        (ServingException) TestJobs.failure(upload.add(FakeHost.picture(0, 0), "ant"));
    assertEquals(ErrorCode.UNAVAILABLE, e.code());
    upload.keep();
    Upload resumed = TestJobs.open(cluster.get("b").jobs, SPEC, UploadMode.RESUMED);
    assertEquals(13, resumed.resumed());
  }

  /** What the oldest asks one of them while the other waits for it needs no lock of a claim. */
  @Test
  void claim_twoMembersAtOnce_eachAnswersForTheOther() throws Exception {
    try (FakeCluster five = new FakeCluster(directory.resolve("5"), "a", "x", "b", "y", "c")) {
      TrainingSpec other = TestJobs.spec("other");
      TestJobs.add(TestJobs.open(five.get("x").jobs, SPEC, UploadMode.KEPT), 0, 13);
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
      assertEquals(13, TestJobs.open(five.get("b").jobs, SPEC, UploadMode.RESUMED).resumed());
      assertEquals(7, TestJobs.open(five.get("c").jobs, other, UploadMode.RESUMED).resumed());
      assertEquals(2, claims.get(), "claims, of which the first of each could be granted");
    }
  }
}
