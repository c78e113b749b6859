package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Uploads that go on at another member while their owner lives, and what may come between. */
@Timeout(240)
class HandOverTest {
  @RegisterExtension final FakeCluster cluster = new FakeCluster("a", "b", "c");

  private CompletableFuture<Upload> resume(String name) {
    return CompletableFuture.supplyAsync(
        () -> TestJobs.open(cluster.get(name).jobs, TestJobs.SPEC, UploadMode.RESUMED));
  }

  /** The coordinator heard who had it before, and hears nothing of the change. */
  @Test
  void resume_ownerIsCutOffFromTheCoordinator_theUploadGoesOnOnceItIsBack() throws Exception {
    TrainingJobs a = cluster.get("a").jobs;
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    TestJobs.ended(a, TestJobs.train(a, TestJobs.spec("other")).jobId()); // it has decided now
    cluster.get("b").sees("b", "c");
    CompletableFuture<Upload> resumed = resume("c");
    TestJobs.until(() -> !Files.exists(cluster.path("b/uploads/" + id(upload))));
    cluster.group("a", "b", "c");
    Upload here = TestJobs.get(resumed);
    assertEquals(13, here.resumed());
    TestJobs.add(here, 13, 30);
    TrainingJob job = TestJobs.get(here.commit());
    assertEquals(JobState.SUCCEEDED, cluster.ended("a", job.jobId()).state());
  }

  @Test
  void resume_newOwnerDiesBetween_theOldOneGoesOn() throws Exception {
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    CountDownLatch answered = new CountDownLatch(1);
    cluster.loses =
        (asker, question) -> {
          if (asker.equals("c") && question.contains("HandOver")) {
            cluster.get("c").kill();
            answered.countDown();
          }
          return false;
        };
    CompletableFuture<Upload> lost = resume("c");
    assertTrue(answered.await(60, TimeUnit.SECONDS));
    cluster.group("a", "b");
    Upload here = TestJobs.get(resume("b"));
    assertEquals(13, here.resumed());
    TestJobs.add(here, 13, 30);
    TrainingJob job = TestJobs.get(here.commit());
    assertEquals(30, job.examples());
    assertTrue(lost.isDone() || lost.cancel(true));
  }

  /** A client gave one member up and asked another: whoever acknowledged, nothing is lost. */
  @Test
  void resume_atTheOwnerWhileItHandsOver_everythingAcknowledgedIsKept() throws Exception {
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    CountDownLatch copying = new CountDownLatch(1);
    CompletableFuture<Void> go = new CompletableFuture<>();
    cluster.loses =
        (asker, question) -> {
          if (asker.equals("b") && question.contains("Offer")) {
            copying.countDown();
            go.join();
          }
          return false;
        };
    CompletableFuture<Upload> away = resume("a");
    assertTrue(copying.await(60, TimeUnit.SECONDS));
    Upload here = TestJobs.get(resume("b"));
    assertEquals(13, here.resumed());
    go.complete(null);
    int acknowledged = 13;
    while (acknowledged < 1_000 && acknowledges(here)) {
      acknowledged++;
    }
    assertTrue(acknowledged < 1_000, "two members go on with one upload");
    Upload there = TestJobs.get(away);
    assertTrue(
        there.resumed() >= acknowledged, there.resumed() + " of " + acknowledged + " are left");
  }

  /** Nobody is said to have it then, but somebody may. */
  @Test
  void resume_anAnswerIsLost_doesNotBeginAnew() throws Exception {
    TestJobs.add(TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT), 0, 13);
    AtomicInteger lost = new AtomicInteger();
    cluster.loses = (asker, question) -> question.contains("Find") && lost.incrementAndGet() <= 4;
    assertEquals(13, TestJobs.get(resume("a")).resumed());
  }

  /** One was thrown away, and its owner died before it had told of that. */
  @Test
  void resume_twoMembersHaveAnUpload_theOneWithTheMostGoesOn() throws Exception {
    TestJobs.add(TestJobs.open(cluster.get("a").jobs, TestJobs.SPEC, UploadMode.KEPT), 0, 3);
    TestJobs.add(TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT), 0, 13);
    assertEquals(13, TestJobs.get(resume("c")).resumed());
  }

  /** What a restart has brought back, or was taken over, is not more than what is there. */
  @Test
  void resume_aFragmentIsHere_theUploadWithTheMostGoesOn() throws Exception {
    Upload fragment = TestJobs.open(cluster.get("a").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(fragment, 0, 3);
    fragment.keep();
    TestJobs.add(TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT), 0, 13);
    AtomicInteger lost = new AtomicInteger();
    cluster.loses = (asker, question) -> question.contains("Find") && lost.incrementAndGet() <= 2;
    assertEquals(13, TestJobs.get(resume("a")).resumed());
    TestJobs.until(() -> cluster.names("a/uploads").size() == 1);
  }

  @Test
  void kill_ownerOfAFragment_itsTwinKeepsTheUploadWithTheMost() throws Exception {
    Upload upload = TestJobs.open(cluster.get("c").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    upload.keep();
    Upload fragment = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(fragment, 0, 3);
    cluster.get("b").kill();
    cluster.group("a", "c");
    TestJobs.until(() -> !Files.exists(cluster.path("c/copies/" + id(fragment))));
    assertEquals(13, TestJobs.get(resume("c")).resumed());
  }

  @Test
  void resume_ownerOfTheUploadWithTheMostHasJustDied_isAwaitedThoughAFragmentIsThere()
      throws Exception {
    TestJobs.add(TestJobs.open(cluster.get("a").jobs, TestJobs.SPEC, UploadMode.KEPT), 0, 3);
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    AtomicInteger looks = new AtomicInteger();
    cluster.loses =
        (asker, question) -> {
          if (asker.equals("c") && question.contains("Find")) {
            looks.incrementAndGet();
          }
          return question.contains("Claim") && question.contains(id(upload)) && looks.get() < 3;
        };
    cluster.get("b").kill();
    cluster.group("a", "c");
    assertEquals(13, TestJobs.get(resume("c")).resumed());
  }

  /** Each of both takes the copy for the other one's. */
  @Test
  void resume_answerOfTheHandOverIsLost_itIsHandedOverAgain() throws Exception {
    TestJobs.add(TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT), 0, 13);
    AtomicInteger lost = new AtomicInteger();
    cluster.loses =
        (asker, question) -> question.contains("HandOver") && lost.getAndIncrement() == 0;
    assertEquals(13, TestJobs.get(resume("a")).resumed());
    assertTrue(lost.get() > 0);
  }

  /** The copy of an owner that was killed may end within an example. */
  @Test
  void resume_copyIsTorn_nothingThatFollowsIsLost() throws Exception {
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
    TestJobs.add(upload, 0, 13);
    cluster.get("b").kill();
    Files.write(
        cluster.path("c/copies/" + id(upload) + "/examples.spool"),
        new byte[] {0, 0, 12, 0, 7},
        StandardOpenOption.APPEND);
    cluster.group("a", "c");
    Upload here = TestJobs.get(resume("c"));
    assertEquals(13, here.resumed());
    TestJobs.add(here, 13, 20);
    cluster.get("c").kill();
    cluster.group("a");
    assertEquals(20, TestJobs.get(resume("a")).resumed());
  }

  /** False where the upload goes on elsewhere. */
  private static boolean acknowledges(Upload upload) throws Exception {
    try {
      TestJobs.get(upload.add(FakeHost.picture(0, 0), "ant"));
      return true;
    } catch (ExecutionException e) {
      ServingException closed = (ServingException) Objects.requireNonNull(e.getCause());
      assertEquals("UPLOAD_CLOSED", closed.reason());
      return false;
    }
  }

  private static String id(Upload upload) {
    return ((SpooledUpload) upload).id();
  }
}
