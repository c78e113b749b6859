package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.task.Contribution;
import dev.perennial.server.task.PrefixShape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Jobs that sum examples up. */
@Timeout(240)
class StatisticsRunTest {
  @TempDir Path directory;
  private final FakeHost host = new FakeHost();

  @AfterEach
  void close() {
    host.close();
  }

  private static TrainingSpec spec(String requestId, String... classes) {
    return TestJobs.spec(requestId).forStatistics(List.of(classes));
  }

  /** Picture i is of class i modulo 3. */
  private TrainingJob contribute(TrainingJobs jobs, TrainingSpec spec, List<Integer> pictures)
      throws Exception {
    try (Upload upload = TestJobs.open(jobs, spec)) {
      for (int i : pictures) {
        TestJobs.get(upload.add(FakeHost.picture(i % 3, i / 3), TestJobs.CLASSES.get(i % 3)));
      }
      return TestJobs.ended(jobs, TestJobs.get(upload.commit()).jobId());
    }
  }

  @Test
  void job_anyOrderAndSplit_sameSumsAndImagesPassAlone() throws Exception {
    List<Integer> order = new ArrayList<>(IntStream.range(0, 300).boxed().toList());
    try (TrainingJobs jobs = TestJobs.jobs(directory, host)) {
      jobs.start();
      TrainingJob job = contribute(jobs, spec("whole"), order);
      assertEquals(JobState.SUCCEEDED, job.state(), () -> String.valueOf(job.error()));
      assertEquals("contribution-1", job.versionId());
      assertEquals(300, job.progress().step());
      Collections.shuffle(order, new Random(1));
      contribute(jobs, spec("a"), order.subList(0, 7));
      contribute(jobs, spec("b"), order.subList(7, 300));
    }
    FeatureStatistics whole = host.contributed.get(0).statistics();
    assertEquals(TestJobs.CLASSES, host.contributed.get(0).classNames());
    assertEquals(
        whole, host.contributed.get(1).statistics().plus(host.contributed.get(2).statistics()));
    assertEquals(Set.of(1), Set.copyOf(host.featureBatches));
    assertEquals(0, host.steps.get());
    assertEquals(List.of(), host.published);
  }

  @Test
  void job_stoppedInTheMiddle_nextStartMakesTheSameContribution() throws Exception {
    CountDownLatch middle = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    host.beforeFeatures =
        call -> {
          if (call == 5) {
            middle.countDown();
            Uninterruptibly.run(goOn::await);
          }
        };
    List<Integer> pictures = IntStream.range(0, 30).boxed().toList();
    TrainingJobs stopped = TestJobs.jobs(directory, host);
    stopped.start();
    String jobId;
    try (Upload upload = TestJobs.open(stopped, spec("r"))) {
      for (int i : pictures) {
        TestJobs.get(upload.add(FakeHost.picture(i % 3, i / 3), TestJobs.CLASSES.get(i % 3)));
      }
      jobId = TestJobs.get(upload.commit()).jobId();
    }
    middle.await();
    stopped.close();
    assertEquals(List.of(), host.contributed);
    goOn.countDown();
    try (TrainingJobs jobs = TestJobs.jobs(directory, host)) {
      jobs.start();
      assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, jobId).state());
      contribute(jobs, spec("other"), pictures);
    }
    Contribution first = host.contributed.get(0);
    assertEquals("r", first.requestId());
    assertEquals(first.statistics(), host.contributed.get(1).statistics());
    assertEquals(2, host.contributed.size());
  }

  @Test
  void open_unknownTaskOrClass_refused() {
    try (TrainingJobs jobs = TestJobs.jobs(directory, host)) {
      jobs.start();
      assertEquals("spec.class_names[1]", field(jobs, spec("r", "bee", "wasp")));
      TrainingSpec elsewhere =
          new TrainingSpec(
                  "birds",
                  List.of(),
                  "a {}",
                  "r",
                  TrainingSpec.Recipe.ROBUST,
                  GateKind.ROBUST,
                  1,
                  new PrefixShape(2, 4),
                  1,
                  4,
                  1,
                  0)
              .forStatistics(List.of());
      assertEquals("spec.task", field(jobs, elsewhere));
    }
  }

  private static @Nullable String field(TrainingJobs jobs, TrainingSpec spec) {
    return assertThrows(ServingException.class, () -> jobs.open(spec, UploadMode.ONE_STREAM))
        .field();
  }
}
