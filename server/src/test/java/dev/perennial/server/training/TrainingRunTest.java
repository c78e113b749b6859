package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.TaskVersion;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class TrainingRunTest {

  /** 27 training examples in batches of 4. */
  private static final int STEPS_PER_EPOCH = 7;

  @TempDir Path directory;

  @Test
  void run_easyDomain_learnsIt() throws Exception {
    TaskVersion version = trained("a", TestJobs.spec("r"));
    double before = Objects.requireNonNull(version.metrics().get("validation_accuracy_before"));
    assertTrue(before < 0.5, version.metrics()::toString);
    assertEquals(1.0, version.metrics().get("validation_accuracy"));
    assertEquals(30.0, version.metrics().get("examples"));
    assertEquals(27.0, version.metrics().get("training_examples"));
    assertEquals(30, version.statistics().count());
    assertEquals("4", version.options().get("epochs"));
    assertEquals("ROBUST", version.options().get("recipe"));
  }

  @Test
  void run_sameSeedAndExamples_sameBytes() throws Exception {
    Bits.assertSame(trained("a", TestJobs.spec("r1")), trained("b", TestJobs.spec("r2")));
  }

  @Test
  void run_otherSeed_otherPrefixes() throws Exception {
    TrainingSpec spec = TestJobs.spec("r1");
    TrainingSpec other =
        new TrainingSpec(
            spec.task(),
            spec.classNames(),
            spec.template(),
            "r2",
            spec.recipe(),
            spec.gate(),
            8,
            spec.shape(),
            spec.epochs(),
            spec.batchSize(),
            spec.learningRate(),
            spec.validationShare());
    float[] first = trained("a", spec).prefixes().imageValues().get(0);
    float[] second = trained("b", other).prefixes().imageValues().get(0);
    assertFalse(Arrays.equals(first, second));
  }

  /** Stops at every step of the four epochs in turn; each time another server goes on. */
  @Test
  void run_stoppedAndContinuedAnywhere_sameBytesAsUninterrupted() throws Exception {
    TaskVersion uninterrupted = trained("whole", TestJobs.spec("r"));
    for (int stopAt = 0; stopAt < 4 * STEPS_PER_EPOCH; stopAt += 3) {
      Path place = directory.resolve("stop" + stopAt);
      String jobId = stopAtStep(stopAt, place);
      try (FakeHost host = new FakeHost();
          TrainingJobs jobs = TestJobs.jobs(place, host)) {
        jobs.start();
        assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, jobId).state());
        Bits.assertSame(uninterrupted, host.published.get(0));
        int done = stopAt / STEPS_PER_EPOCH * STEPS_PER_EPOCH;
        assertEquals(4 * STEPS_PER_EPOCH - done, host.steps.get());
      }
    }
  }

  /** Starts a job and closes its server while that step runs. */
  private static String stopAtStep(int stopAt, Path place) throws Exception {
    CountDownLatch reached = new CountDownLatch(1);
    CompletableFuture<Void> closed = new CompletableFuture<>();
    try (FakeHost host = new FakeHost()) {
      host.beforeStep =
          step -> {
            if (step == stopAt) {
              reached.countDown();
              closed.join();
            }
          };
      TrainingJobs jobs = TestJobs.jobs(place, host);
      jobs.start();
      String jobId = TestJobs.train(jobs, TestJobs.spec("r")).jobId();
      reached.await();
      jobs.close();
      closed.complete(null);
      assertEquals(JobState.QUEUED, jobs.job(jobId).state());
      assertEquals(0, host.published.size());
      return jobId;
    }
  }

  @Test
  void run_nothingHeldOut_lastEpochAndNoValidationMetrics() throws Exception {
    TaskVersion version = trained("a", TestJobs.spec("r", 3, 0.2f, 0f));
    assertFalse(version.metrics().containsKey("validation_accuracy"));
    assertEquals(3.0, version.metrics().get("best_epoch"));
    assertEquals(0.0, version.metrics().get("validation_examples"));
  }

  @Test
  void run_everyEpochWorseThanTheStart_keepsTheStart() throws Exception {
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs = TestJobs.jobs(directory, host)) {
      host.uphill = true;
      jobs.start();
      TestJobs.ended(jobs, TestJobs.train(jobs, TestJobs.spec("r", 2, 0.01f, 0.1f)).jobId());
      TaskVersion version = host.published.get(0);
      assertEquals(0.0, version.metrics().get("best_epoch"));
      assertEquals(
          version.metrics().get("validation_accuracy_before"),
          version.metrics().get("validation_accuracy"));
      for (float value : version.prefixes().imageValues().get(0)) {
        assertEquals(0f, value);
      }
    }
  }

  @Test
  void run_learningRateTooHigh_failsAndSaysSo() throws Exception {
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs = TestJobs.jobs(directory, host)) {
      jobs.start();
      TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r", 4, 3e38f, 0.1f));
      TrainingJob ended = TestJobs.ended(jobs, job.jobId());
      assertEquals(JobState.FAILED, ended.state());
      ServingException error = Objects.requireNonNull(ended.error());
      assertEquals(ErrorCode.INVALID_ARGUMENT, error.code());
      assertEquals("TRAINING_DIVERGED", error.reason());
      assertEquals("spec.options.learning_rate", error.field());
      assertEquals(0, host.published.size());
      assertEquals(0, host.openTrainers.get());
    }
  }

  @Test
  void run_robustRecipe_shiftsEveryEpochAnew() throws Exception {
    assertTrue(distinctInputs(TrainingSpec.Recipe.ROBUST) > 60);
    assertEquals(27, distinctInputs(TrainingSpec.Recipe.OFFICIAL));
  }

  @Test
  void run_examplesFitIntoMemory_decodedOnce() throws Exception {
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs = TestJobs.jobs(directory, host)) {
      jobs.start();
      TrainingJob job = TestJobs.train(jobs, TestJobs.spec("r"));
      TestJobs.ended(jobs, job.jobId());
      assertEquals(30 + 30, host.decoded.get()); // checked, then trained on
    }
  }

  private long distinctInputs(TrainingSpec.Recipe recipe) throws Exception {
    TrainingSpec spec = TestJobs.spec("r");
    TrainingSpec other =
        new TrainingSpec(
            spec.task(),
            spec.classNames(),
            spec.template(),
            "r",
            recipe,
            spec.gate(),
            spec.seed(),
            spec.shape(),
            spec.epochs(),
            spec.batchSize(),
            spec.learningRate(),
            spec.validationShare());
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs = TestJobs.jobs(directory.resolve(recipe.name()), host)) {
      jobs.start();
      TestJobs.ended(jobs, TestJobs.train(jobs, other).jobId());
      return host.batchesSeen.stream().map(Arrays::hashCode).distinct().count();
    }
  }

  private TaskVersion trained(String place, TrainingSpec spec) throws Exception {
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs = TestJobs.jobs(directory.resolve(place), host)) {
      jobs.start();
      TrainingJob job = TestJobs.train(jobs, spec);
      assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, job.jobId()).state());
      return host.published.get(0);
    }
  }
}
