package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ends that the disk has no room for: a job has not ended before it is written. */
@Timeout(240)
class JobEndTest {
  @TempDir Path directory;
  private final FakeHost host = new FakeHost();
  private final FullDisk disk = new FullDisk();
  private TrainingJobs jobs;

  @BeforeEach
  void open() {
    jobs = TestJobs.jobs(directory, host, TrainingConfig.DEFAULT, disk);
  }

  @AfterEach
  void close() {
    disk.full = false;
    jobs.close();
    host.close();
  }

  private void restart() {
    jobs.close();
    open();
    jobs.start();
  }

  @Test
  void publish_endCannotBeWritten_endsOnceThereIsRoomAndNeverRunsAgain() throws Exception {
    jobs.start();
    host.beforePublish = version -> disk.full = true;
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    TestJobs.until(
        () -> disk.failures.get() >= 3 || jobs.job(job.jobId()).state() == JobState.SUCCEEDED);
    assertEquals(JobState.PUBLISHING, jobs.job(job.jobId()).state());
    disk.full = false;
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, job.jobId()).state());
    restart();
    assertEquals(JobState.SUCCEEDED, jobs.job(job.jobId()).state());
    assertEquals(1, host.published.size());
  }

  @Test
  void publish_checkpointTakesTheLastRoom_givesWayToTheEnd() throws Exception {
    jobs.start();
    host.beforePublish =
        version -> {
          disk.full = true;
          disk.deletingMakesRoom = true;
        };
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, job.jobId()).state());
    assertTrue(disk.failures.get() > 0);
    restart();
    assertEquals(JobState.SUCCEEDED, jobs.job(job.jobId()).state());
  }

  @Test
  void close_endCannotBeWritten_theNextStartPublishesTheSame() throws Exception {
    jobs.start();
    host.beforePublish = version -> disk.full = true;
    TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
    TestJobs.until(() -> disk.failures.get() > 0);
    jobs.close();
    host.beforePublish = version -> disk.full = false;
    disk.full = false;
    restart();
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, job.jobId()).state());
    Bits.assertSame(host.published.get(0), host.published.get(1));
  }

  @Test
  void cancel_wishCannotBeWritten_isRefusedAndTheJobRuns() throws Exception {
    CompletableFuture<Void> held = new CompletableFuture<>();
    host.beforeStep = step -> held.join();
    jobs.start();
    TestJobs.train(jobs, TestJobs.spec("first"));
    TrainingJob queued = TestJobs.train(jobs, TestJobs.spec("r"));
    disk.full = true;
    ServingException e = assertThrows(ServingException.class, () -> jobs.cancel(queued.jobId()));
    assertEquals("DISK_FULL", e.reason());
    assertEquals(JobState.QUEUED, jobs.job(queued.jobId()).state());
    disk.full = false;
    held.complete(null);
    assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, queued.jobId()).state());
  }
}
