package dev.perennial.server.training;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Jobs as tests of other packages need them. */
public final class SampleJobs {
  private SampleJobs() {}

  public static TrainingJob job(String id, String requestId, Instant created, JobState state) {
    @Nullable Instant ended = state.ended() ? created.plusSeconds(1) : null;
    return new TrainingJob(
        id,
        TestJobs.spec(requestId),
        state,
        TrainingJob.Progress.NONE,
        30,
        null,
        0,
        null,
        created,
        ended);
  }
}
