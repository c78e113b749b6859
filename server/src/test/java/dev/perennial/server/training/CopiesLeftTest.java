package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** No copy stays on a disk that nobody needs it on. */
@Timeout(180)
class CopiesLeftTest {
  @RegisterExtension final FakeCluster cluster = new FakeCluster("a", "b", "c");

  private List<String> copies(String name) {
    return cluster.names(name + "/copies");
  }

  private Upload upload(UploadMode mode) throws Exception {
    Upload upload = TestJobs.open(cluster.get("b").jobs, TestJobs.SPEC, mode);
    TestJobs.add(upload, 0, 7);
    assertEquals(1, copies("c").size());
    return upload;
  }

  @Test
  void discard_wordOfItIsLost_isSaidAgain() throws Exception {
    Upload upload = upload(UploadMode.KEPT);
    AtomicInteger lost = new AtomicInteger();
    cluster.stops = (asker, question) -> question.contains("Drop") && lost.incrementAndGet() <= 3;
    upload.close();
    TestJobs.until(() -> copies("c").isEmpty());
  }

  @Test
  void discard_anEarlierTwinIsBack_bothDropTheirs() throws Exception {
    Upload upload = upload(UploadMode.KEPT);
    cluster.group("a", "b");
    TestJobs.add(upload, 7, 8);
    assertEquals(1, copies("a").size());
    cluster.group("a", "b", "c");
    assertEquals(1, copies("c").size());
    upload.close();
    TestJobs.until(() -> copies("c").isEmpty() && copies("a").isEmpty());
  }

  @Test
  void kill_ownerOfAnUploadWithoutARequest_itsCopyGoesToo() throws Exception {
    var unused = upload(UploadMode.ONE_STREAM);
    cluster.get("b").kill();
    cluster.group("a", "c");
    TestJobs.until(() -> copies("c").isEmpty());
  }

  /** As if an offer came after the news of its end. */
  @Test
  void end_aCopyComesLate_isDeleted() throws Exception {
    TrainingJobs b = cluster.get("b").jobs;
    TrainingJob job = TestJobs.ended(b, TestJobs.train(b, TestJobs.SPEC).jobId());
    TrainingJobs c = cluster.get("c").jobs;
    TestJobs.until(() -> c.jobs(null).stream().anyMatch(known -> known.state().ended()));
    TestJobs.until(() -> copies("c").isEmpty());
    Files.createDirectory(cluster.path("c/copies/" + job.jobId()));
    TestJobs.until(() -> copies("c").isEmpty());
  }

  @Test
  void start_copyThatWasOnlyOffered_isDeleted() throws Exception {
    Path offered = cluster.path("c/copies/offered");
    Files.createDirectory(offered);
    Files.writeString(offered.resolve("lease"), "1 1 false");
    Files.writeString(offered.resolve("examples.spool"), "");
    cluster.get("c").kill();
    FakeCluster.Member back = cluster.onDiskOf("c", "c2");
    cluster.group("a", "b", "c2");
    back.jobs.start();
    assertEquals(List.of(), copies("c"));
  }
}
