package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class JobTableTest {
  static TrainingJob job(int second, JobState state) {
    return job(second, "request-" + second, state);
  }

  private static TrainingJob job(int second, String requestId, JobState state) {
    return SampleJobs.job("job-" + second, requestId, Instant.ofEpochSecond(second), state);
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

  /** Cancelled as lost on one side of a partition, while it succeeded on the other. */
  @Test
  void isNews_jobHasEnded_onlyThatACancelledOneSucceeded() {
    try (JobTable table = new JobTable()) {
      table.add(job(1, JobState.RUNNING));
      assertEquals(true, table.isNews(job(1, JobState.CANCELLED)));
      table.add(job(1, JobState.CANCELLED));
      assertEquals(false, table.isNews(job(1, JobState.RUNNING)));
      assertEquals(false, table.isNews(job(1, JobState.FAILED)));
      assertEquals(true, table.isNews(job(1, JobState.SUCCEEDED)));
      table.add(job(1, JobState.SUCCEEDED));
      assertEquals(false, table.isNews(job(1, JobState.CANCELLED)));
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
      table.add(job(1, JobState.QUEUED));
      table.add(job(2, "request-1", JobState.SUCCEEDED));
      assertEquals("job-1", table.findRequest("request-1").orElseThrow().jobId());
      table.remove("job-1");
      assertEquals("job-2", table.findRequest("request-1").orElseThrow().jobId());
    }
  }
}
