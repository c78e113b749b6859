package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobStoreTest {
  @TempDir private Path directory;

  @Test
  void lease_saved_isRead_alsoWithWhatNewerSoftwareAdds() throws IOException {
    JobStore store = new JobStore(directory, Disk.REAL);
    assertEquals(Lease.NONE, store.lease(directory));
    Lease lease = new Lease(7, 3, true);
    store.saveLease(directory, lease);
    assertEquals(lease, store.lease(directory));
    Files.writeString(directory.resolve("lease"), " 12 more", StandardOpenOption.APPEND);
    assertEquals(lease, store.lease(directory));
  }

  /** A process was killed as it wrote a checkpoint. */
  @Test
  void deleteSpool_somethingWasHalfWritten_goesToo() throws IOException {
    JobStore store = new JobStore(directory, Disk.REAL);
    store.open();
    store.saveEnded(SampleJobs.job("job", "request", Instant.EPOCH, JobState.SUCCEEDED));
    Path job = directory.resolve("jobs/job");
    Files.writeString(job.resolve("checkpoint.tmp"), "half");
    Files.writeString(job.resolve(JobStore.SPOOL), "examples");
    store.deleteSpool("job");
    assertArrayEquals(new String[] {JobStore.JOB}, job.toFile().list());
  }
}
