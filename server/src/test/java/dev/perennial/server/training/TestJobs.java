package dev.perennial.server.training;

import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.task.PrefixShape;
import dev.perennial.server.task.Template;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Building blocks of the tests of this package. */
final class TestJobs {

  static final Clock CLOCK = Clock.fixed(Instant.parse("2026-01-02T03:04:05Z"), ZoneOffset.UTC);
  static final List<String> CLASSES = List.of("ant", "bee", "cat");

  /** What most of them are taught. */
  static final TrainingSpec SPEC = spec("r");

  private TestJobs() {}

  static TrainingJobs jobs(Path directory, FakeHost host) {
    return jobs(directory, host, TrainingConfig.DEFAULT, Disk.REAL);
  }

  static TrainingJobs jobs(Path directory, FakeHost host, TrainingConfig config, Disk disk) {
    return new TrainingJobs(directory, host, config, disk, CLOCK, System::nanoTime, JobPeers.ALONE);
  }

  static TrainingSpec spec(String requestId) {
    return spec(requestId, 4, 0.2f, 0.1f);
  }

  static TrainingSpec spec(String requestId, int epochs, float learningRate, float share) {
    return new TrainingSpec(
        "insects",
        CLASSES,
        Template.DEFAULT,
        requestId,
        TrainingSpec.Recipe.ROBUST,
        GateKind.ROBUST,
        7,
        new PrefixShape(2, 4),
        epochs,
        4,
        learningRate,
        share);
  }

  /** A new upload that cannot be resumed. */
  static Upload open(TrainingJobs jobs, TrainingSpec spec) {
    return open(jobs, spec, UploadMode.ONE_STREAM);
  }

  static Upload open(TrainingJobs jobs, TrainingSpec spec, UploadMode mode) {
    if (jobs.open(spec, mode) instanceof UploadOpening.Open open) {
      return open.upload();
    }
    throw new AssertionError(spec.requestId() + " has made a job");
  }

  /** Uploads ten pictures of each class, class by class in turn, and commits. */
  static TrainingJob train(TrainingJobs jobs, TrainingSpec spec) throws Exception {
    UploadOpening opening = jobs.open(spec, UploadMode.ONE_STREAM);
    if (opening instanceof UploadOpening.Made made) {
      return made.job();
    }
    try (Upload upload = ((UploadOpening.Open) opening).upload()) {
      fill(upload);
      return get(upload.commit());
    }
  }

  static void fill(Upload upload) throws Exception {
    add(upload, 0, 30);
  }

  /** Waits until a job has ended. */
  static TrainingJob ended(TrainingJobs jobs, String jobId) throws Exception {
    return until(jobs, jobId, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED);
  }

  static TrainingJob until(TrainingJobs jobs, String jobId, JobState... states) throws Exception {
    BlockingQueue<TrainingJob> seen = new LinkedBlockingQueue<>();
    AutoCloseable watch = jobs.watch(jobId, seen::add);
    try {
      while (true) {
        TrainingJob job = seen.poll(60, TimeUnit.SECONDS);
        if (job == null) {
          throw new AssertionError("stuck: " + jobs.job(jobId));
        }
        if (List.of(states).contains(job.state())) {
          return job;
        }
      }
    } finally {
      watch.close();
    }
  }

  static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(60, TimeUnit.SECONDS);
  }

  /** The failure of a future. */
  static Throwable failure(CompletableFuture<?> future) throws Exception {
    try {
      throw new AssertionError("no failure: " + future.get(60, TimeUnit.SECONDS));
    } catch (ExecutionException e) {
      return Objects.requireNonNull(e.getCause());
    }
  }

  /** Uploads pictures of the classes in turn, from one place in that order to another. */
  static void add(Upload upload, int from, int to) throws Exception {
    for (int i = from; i < to; i++) {
      get(upload.add(FakeHost.picture(i % 3, i / 3), CLASSES.get(i % 3)));
    }
  }

  /** Waits for a condition. */
  static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("condition never held");
      }
      Thread.onSpinWait();
    }
  }
}
