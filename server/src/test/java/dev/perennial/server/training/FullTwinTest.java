package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Members without room keep no copies: those of others go to whoever has some. */
@Timeout(180)
class FullTwinTest {
  @RegisterExtension final FakeCluster cluster = new FakeCluster("a", "b", "c");

  private Upload upload() {
    return TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, UploadMode.KEPT);
  }

  private long resumed(String name) {
    return TestJobs.open(cluster.get(name).jobs, TestJobs.SPEC, UploadMode.RESUMED).resumed();
  }

  private void killOwner() {
    cluster.get("b").kill();
    cluster.group("a", "c");
  }

  @Test
  void add_nextMembersDiskIsFull_theThirdKeepsTheCopy() throws Exception {
    cluster.get("c").room.full = true;
    TestJobs.add(upload(), 0, 13);
    assertEquals(1, cluster.names("a/copies").size());
    killOwner();
    assertEquals(13, resumed("a"));
  }

  /** What it has gives room to others once the third has all of it. */
  @Test
  void add_twinsDiskRunsFull_theThirdHasAllBeforeTheNextIsAcknowledged() throws Exception {
    Upload upload = upload();
    TestJobs.add(upload, 0, 7);
    assertEquals(1, cluster.names("c/copies").size());
    cluster.get("c").room.full = true;
    TestJobs.add(upload, 7, 8);
    TestJobs.until(() -> cluster.names("c/copies").isEmpty());
    TestJobs.add(upload, 8, 13);
    killOwner();
    assertEquals(13, resumed("a"));
  }

  @Test
  void commit_twinsDiskRunsFull_theJobSurvivesItsOwner() throws Exception {
    Upload upload = upload();
    TestJobs.fill(upload);
    cluster.get("c").room.full = true;
    cluster.get("b").host.beforeStep =
        step -> {
          throw ServingException.unavailable("HELD", "device: held", Duration.ZERO);
        };
    TrainingJob job = TestJobs.get(upload.commit());
    killOwner();
    assertEquals(JobState.SUCCEEDED, cluster.ended("a", job.jobId()).state());
  }

  @Test
  void add_nobodyElseHasRoom_isRefusedWithThatAndLeavesNothing() throws Exception {
    Upload upload = upload();
    TestJobs.add(upload, 0, 7);
    List.of("a", "c").forEach(name -> cluster.get(name).room.full = true);
    ServingException e =
        (ServingException) TestJobs.failure(upload.add(FakeHost.picture(0, 0), "ant"));
    assertEquals("DISK_FULL", e.reason());
    upload.keep();
    for (String left : List.of("a/copies", "b/uploads", "c/copies")) {
      TestJobs.until(() -> cluster.names(left).isEmpty());
    }
  }

  /** It stays where it is, and whoever asked is told why. */
  @Test
  void resume_atAMemberWithoutRoom_isRefusedAndLosesNothing() throws Exception {
    TestJobs.add(upload(), 0, 13);
    cluster.get("a").room.full = true;
    ServingException e = assertThrows(ServingException.class, () -> resumed("a"));
    assertEquals("DISK_FULL", e.reason());
    assertEquals(13, resumed("b"));
  }

  /** What it has it cannot take over yet; nothing is begun anew meanwhile. */
  @Test
  void resume_takeoverFindsNoRoom_goesOnOnceThereIsSome() throws Exception {
    TestJobs.add(upload(), 0, 13);
    cluster.get("c").room.full = true;
    int before = cluster.get("c").room.failures.get();
    killOwner();
    TestJobs.until(() -> cluster.get("c").room.failures.get() > before);
    CompletableFuture<Long> there = CompletableFuture.supplyAsync(() -> resumed("c"));
    TestJobs.until(() -> there.isDone() || cluster.get("c").room.failures.get() > before + 2);
    cluster.get("c").room.full = false;
    assertEquals(13, TestJobs.get(there));
  }
}
