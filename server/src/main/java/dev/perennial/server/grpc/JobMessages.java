package dev.perennial.server.grpc;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.JobState;
import dev.perennial.server.training.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import dev.perennial.v1.TrainingProgress;
import java.time.Instant;

/** Training jobs as messages. */
final class JobMessages {
  private JobMessages() {}

  static dev.perennial.v1.TrainingJob message(TrainingJob job) {
    dev.perennial.v1.TrainingJob.Builder message =
        dev.perennial.v1.TrainingJob.newBuilder()
            .setJobId(job.jobId())
            .setRequestId(job.spec().requestId())
            .setTask(job.spec().task())
            .setState(state(job.state()))
            .setProgress(progress(job.progress()))
            .setEpoch(job.epoch())
            .setExamples(job.examples())
            .setCreateTime(timestamp(job.created()));
    String versionId = job.versionId();
    if (versionId != null && job.spec().statisticsOnly()) {
      message.setContributionId(versionId);
    } else if (versionId != null) {
      message.setVersionId(versionId);
    }
    ServingException error = job.error();
    if (error != null) {
      message.setError(Statuses.of(error));
    }
    Instant ended = job.ended();
    if (ended != null) {
      message.setEndTime(timestamp(ended));
    }
    return message.build();
  }

  static Timestamp timestamp(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }

  private static TrainingJobState state(JobState state) {
    return switch (state) {
      case QUEUED -> TrainingJobState.TRAINING_JOB_STATE_QUEUED;
      case RUNNING -> TrainingJobState.TRAINING_JOB_STATE_RUNNING;
      case PUBLISHING -> TrainingJobState.TRAINING_JOB_STATE_PUBLISHING;
      case SUCCEEDED -> TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED;
      case FAILED -> TrainingJobState.TRAINING_JOB_STATE_FAILED;
      case CANCELLED -> TrainingJobState.TRAINING_JOB_STATE_CANCELLED;
    };
  }

  private static TrainingProgress progress(TrainingJob.Progress progress) {
    TrainingProgress.Builder message =
        TrainingProgress.newBuilder()
            .setEpoch(progress.epoch())
            .setEpochs(progress.epochs())
            .setStep(progress.step())
            .setSteps(progress.steps())
            .setLoss(progress.loss())
            .setAccuracy(progress.accuracy())
            .setImagesPerSecond(progress.imagesPerSecond())
            .setTimeLeft(Durations.fromNanos(progress.timeLeft().toNanos()));
    if (!Float.isNaN(progress.validationAccuracyBefore())) {
      message.setValidationAccuracyBefore(progress.validationAccuracyBefore());
    }
    if (!Float.isNaN(progress.validationAccuracyBest())) {
      message.setValidationAccuracyBest(progress.validationAccuracyBest());
    }
    return message.build();
  }
}
