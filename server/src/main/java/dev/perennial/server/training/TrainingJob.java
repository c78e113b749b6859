package dev.perennial.server.training;

import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/**
 * One training run as it is now. Immutable: every change makes a new one.
 *
 * @param versionId set once SUCCEEDED; the contribution's id where the spec is for statistics only
 * @param epoch the pool's epoch from which on that serves; 0 before
 * @param error set where FAILED
 */
public record TrainingJob(
    String jobId,
    TrainingSpec spec,
    JobState state,
    Progress progress,
    long examples,
    @Nullable String versionId,
    long epoch,
    @Nullable ServingException error,
    Instant created,
    @Nullable Instant ended) {
  /** Oldest first. Members have clocks of their own: two jobs may be of one instant. */
  public static final Comparator<TrainingJob> AGE =
      Comparator.comparing(TrainingJob::created).thenComparing(TrainingJob::jobId);

  /** How far it is; validation accuracies are NaN where nothing is held out. */
  public record Progress(
      int epoch,
      int epochs,
      long step,
      long steps,
      float loss,
      float accuracy,
      float imagesPerSecond,
      Duration timeLeft,
      float validationAccuracyBefore,
      float validationAccuracyBest) {
    public static final Progress NONE =
        new Progress(0, 0, 0, 0, 0f, 0f, 0f, Duration.ZERO, Float.NaN, Float.NaN);
  }

  /** The same, further on. */
  TrainingJob at(JobState now, Progress furtherOn) {
    return new TrainingJob(jobId, spec, now, furtherOn, examples, null, 0, null, created, null);
  }

  /** The same, given up. */
  public TrainingJob cancelled(Instant when) {
    return ended(JobState.CANCELLED, null, null, when);
  }

  /** The same at its end. */
  TrainingJob ended(
      JobState how,
      TrainingHost.@Nullable Published published,
      @Nullable ServingException why,
      Instant when) {
    return new TrainingJob(
        jobId,
        spec,
        how,
        progress,
        examples,
        published == null ? null : published.versionId(),
        published == null ? 0 : published.epoch(),
        why,
        created,
        when);
  }
}
