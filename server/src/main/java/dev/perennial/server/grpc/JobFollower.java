package dev.perennial.server.grpc;

import com.google.protobuf.Message;
import dev.perennial.server.training.TrainingJob;
import dev.perennial.server.training.TrainingJobs;
import java.util.function.Function;

/** Tells a call of a job until the job has ended, then ends the call. */
final class JobFollower {
  private JobFollower() {}

  /**
   * Starts on the call's event loop; the result stops it.
   *
   * @param message the job as the method answers it
   */
  static <R extends Message> Runnable follow(
      TrainingJobs jobs, String jobId, Call<?, R> call, Function<TrainingJob, R> message) {
    LatestWriter<TrainingJob, R> writer =
        new LatestWriter<>(
            call,
            (old, fresh) -> old.state().ended() ? old : fresh,
            job -> {
              call.write(message.apply(job));
              if (job.state().ended()) {
                call.end();
              }
            });
    AutoCloseable watch = jobs.watch(jobId, writer::offer);
    return () -> Closing.quietly(watch);
  }
}
