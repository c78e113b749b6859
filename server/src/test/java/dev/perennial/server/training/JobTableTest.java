package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class JobTableTest {
  static TrainingJob job(int second, JobState state) {
    return new TrainingJob(
        "job-" + second,
        TestJobs.spec("request-" + second),
        state,
        TrainingJob.Progress.NONE,
        30,
        null,
        0,
        null,
        Instant.ofEpochSecond(second),
        state.ended() ? Instant.ofEpochSecond(second + 1) : null);
  }

  /** As another member tells of what it still remembers. */
  @Test
  void forget_anOldJobIsHeardOfLast_forgetsThatOne() {
    try (JobTable table = new JobTable()) {
      table.add(job(3, JobState.SUCCEEDED));
      table.add(job(4, JobState.SUCCEEDED));
      assertEquals(Set.of(), table.forget(2));
      table.add(job(1, JobState.CANCELLED));
      table.add(job(2, JobState.FAILED));
      assertEquals(Set.of("job-1", "job-2"), table.forget(2));
      assertEquals(
          List.of("job-4", "job-3"), table.list(null).stream().map(TrainingJob::jobId).toList());
    }
  }

  @Test
  void forget_oldestHasNotEnded_keepsIt() {
    try (JobTable table = new JobTable()) {
      table.add(job(1, JobState.RUNNING));
      table.add(job(2, JobState.SUCCEEDED));
      assertEquals(Set.of("job-2"), table.forget(1));
      assertEquals(Set.of(), table.forget(0));
      assertEquals("job-1", table.findRequest("request-1").orElseThrow().jobId());
      assertEquals(true, table.findRequest("request-2").isEmpty());
    }
  }

  /** Two uploads of one request: another member's commit was first, and its job was told of. */
  @Test
  void remove_anotherJobOfTheRequestIsKnown_theRequestIsThatOnes() {
    try (JobTable table = new JobTable()) {
      TrainingJob own = job(1, JobState.QUEUED);
      table.add(own);
      table.add(of(own.spec(), job(2, JobState.SUCCEEDED)));
      assertEquals("job-1", table.findRequest("request-1").orElseThrow().jobId());
      table.remove("job-1");
      assertEquals("job-2", table.findRequest("request-1").orElseThrow().jobId());
    }
  }

  private static TrainingJob of(TrainingSpec spec, TrainingJob job) {
    return new TrainingJob(
        job.jobId(),
        spec,
        job.state(),
        job.progress(),
        job.examples(),
        job.versionId(),
        job.epoch(),
        job.error(),
        job.created(),
        job.ended());
  }
}
