package dev.perennial.client;

import java.time.Duration;
import java.time.Instant;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * One training run as the server tells it. Immutable.
 *
 * @param jobId the server's name for it
 * @param requestId the caller's, or the one that the client chose
 * @param progress null before the first report
 * @param versionId the version published; null unless the state is SUCCEEDED, and for statistics
 *     only
 * @param contributionId what statistics only have added to the task; else null
 * @param epoch the pool's epoch from which on the version serves; 0 unless SUCCEEDED
 * @param error null unless the state is FAILED
 * @param endTime null until it has ended
 * @param examples examples in use
 */
public record TrainingJob(
    String jobId,
    String requestId,
    String task,
    State state,
    @Nullable Progress progress,
    @Nullable String versionId,
    @Nullable String contributionId,
    long epoch,
    @Nullable PerennialException error,
    Instant createTime,
    @Nullable Instant endTime,
    long examples) {

  /** Where a job stands. */
  public enum State {
    /** A state that this client does not know yet. */
    UNKNOWN,
    /** Committed, waiting for a device. */
    QUEUED,
    /** Being trained. */
    RUNNING,
    /** Trained; the version is being stored and installed. */
    PUBLISHING,
    /** Published. */
    SUCCEEDED,
    /** Ended with an error. */
    FAILED,
    /** Stopped on request. */
    CANCELLED;

    /** Whether nothing will change any more. */
    public boolean ended() {
      return this == SUCCEEDED || this == FAILED || this == CANCELLED;
    }
  }

  /**
   * How far a job is.
   *
   * @param epoch of the training examples, counted from 1
   * @param loss mean cross-entropy since the last report
   * @param accuracy share of right answers over the same steps, in [0, 1]
   * @param validationAccuracyBefore of the frozen model on the held-out examples; empty where none
   *     are held out
   * @param validationAccuracyBest the same of the best epoch so far
   */
  public record Progress(
      int epoch,
      int epochs,
      long step,
      long steps,
      float loss,
      float accuracy,
      float imagesPerSecond,
      Duration timeLeft,
      OptionalDouble validationAccuracyBefore,
      OptionalDouble validationAccuracyBest) {}

  /** This job if it succeeded; throws its error, or that it was cancelled or has not ended. */
  public TrainingJob orThrow() {
    return switch (state) {
      case SUCCEEDED -> this;
      case FAILED ->
          throw error != null
              ? error
              : new PerennialException(
                  PerennialException.Code.UNKNOWN, "job " + jobId + ": failed");
      case CANCELLED ->
          throw new PerennialException(
              PerennialException.Code.CANCELLED, "job " + jobId + ": cancelled");
      case UNKNOWN, QUEUED, RUNNING, PUBLISHING ->
          throw new IllegalStateException("job " + jobId + ": " + state + " (expected: ended)");
    };
  }

  static TrainingJob of(dev.perennial.v1.TrainingJob message) {
    return new TrainingJob(
        message.getJobId(),
        message.getRequestId(),
        message.getTask(),
        state(message.getState()),
        message.hasProgress() ? progress(message.getProgress()) : null,
        message.getVersionId().isEmpty() ? null : message.getVersionId(),
        message.getContributionId().isEmpty() ? null : message.getContributionId(),
        message.getEpoch(),
        message.hasError() ? PerennialException.of(message.getError()) : null,
        Messages.instant(message.getCreateTime()),
        message.hasEndTime() ? Messages.instant(message.getEndTime()) : null,
        message.getExamples());
  }

  private static State state(dev.perennial.v1.TrainingJobState state) {
    return switch (state) {
      case TRAINING_JOB_STATE_QUEUED -> State.QUEUED;
      case TRAINING_JOB_STATE_RUNNING -> State.RUNNING;
      case TRAINING_JOB_STATE_PUBLISHING -> State.PUBLISHING;
      case TRAINING_JOB_STATE_SUCCEEDED -> State.SUCCEEDED;
      case TRAINING_JOB_STATE_FAILED -> State.FAILED;
      case TRAINING_JOB_STATE_CANCELLED -> State.CANCELLED;
      case TRAINING_JOB_STATE_UNSPECIFIED, UNRECOGNIZED -> State.UNKNOWN;
    };
  }

  private static Progress progress(dev.perennial.v1.TrainingProgress message) {
    return new Progress(
        message.getEpoch(),
        message.getEpochs(),
        message.getStep(),
        message.getSteps(),
        message.getLoss(),
        message.getAccuracy(),
        message.getImagesPerSecond(),
        Messages.duration(message.getTimeLeft()),
        message.hasValidationAccuracyBefore()
            ? OptionalDouble.of(message.getValidationAccuracyBefore())
            : OptionalDouble.empty(),
        message.hasValidationAccuracyBest()
            ? OptionalDouble.of(message.getValidationAccuracyBest())
            : OptionalDouble.empty());
  }
}
