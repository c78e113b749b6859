package dev.perennial.server.training;

/**
 * Bounds of training.
 *
 * @param maxUploads uploads at one time
 * @param maxSpoolBytes bytes of one upload
 * @param maxTotalSpoolBytes bytes of all uploads and unfinished jobs
 * @param maxExamples examples of one upload
 * @param maxJobs jobs that are remembered; the oldest ended ones are forgotten
 */
public record TrainingConfig(
    int maxUploads, long maxSpoolBytes, long maxTotalSpoolBytes, long maxExamples, int maxJobs) {

  public static final TrainingConfig DEFAULT =
      new TrainingConfig(16, 4L << 30, 16L << 30, 1_000_000, 1_000);
}
