package dev.perennial.server.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.task.TaskVersion;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Another JVM trains and is killed; this one goes on with what it left. */
@Timeout(240)
class KilledServerTest {

  @TempDir Path directory;

  /** The victim: prints {@code spooled}, {@code committed ID}, {@code step N}, then hangs. */
  static final class Victim {
    private Victim() {}

    public static void main(String[] arguments) throws Exception {
      boolean commits = Boolean.parseBoolean(arguments[1]);
      int hangsAt = Integer.parseInt(arguments[2]);
      FakeHost host = new FakeHost();
      host.beforeStep =
          step -> {
            say("step " + step);
            if (step == hangsAt) {
              new CompletableFuture<Void>().join();
            }
          };
      TrainingJobs jobs = TestJobs.jobs(Path.of(arguments[0]), host);
      jobs.start();
      Upload upload = TestJobs.open(jobs, TestJobs.spec("r"));
      TestJobs.fill(upload);
      say("spooled");
      if (commits) {
        say("committed " + TestJobs.get(upload.commit()).jobId());
      }
      new CompletableFuture<Void>().join();
    }

    private static void say(String line) {
      System.out.println(line);
      System.out.flush();
    }
  }

  @Test
  void kill_beforeTheCommit_uploadVanishes() throws Exception {
    killAt("spooled", false, -1);
    try (Stream<Path> uploads = Files.list(directory.resolve("uploads"))) {
      assertEquals(1, uploads.count());
    }
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs = TestJobs.jobs(directory, host)) {
      jobs.start();
      assertEquals(List.of(), jobs.jobs(null));
      assertTrue(jobs.findRequest("r").isEmpty());
      try (Stream<Path> uploads = Files.list(directory.resolve("uploads"))) {
        assertEquals(0, uploads.count());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 10, 27})
  void kill_whileTraining_goesOnToTheSameVersion(int step) throws Exception {
    TaskVersion uninterrupted;
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs = TestJobs.jobs(directory.resolve("whole"), host)) {
      jobs.start();
      TestJobs.ended(jobs, TestJobs.train(jobs, TestJobs.spec("r")).jobId());
      uninterrupted = host.published.get(0);
    }
    List<String> said = killAt("step " + step, true, step);
    String committed =
        said.stream().filter(line -> line.startsWith("committed ")).findFirst().orElseThrow();
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs = TestJobs.jobs(directory, host)) {
      jobs.start();
      TrainingJob job = jobs.findRequest("r").orElseThrow();
      assertEquals("committed " + job.jobId(), committed);
      assertEquals(JobState.SUCCEEDED, TestJobs.ended(jobs, job.jobId()).state());
      Bits.assertSame(uninterrupted, host.published.get(0));
      assertEquals(28 - step / 7 * 7, host.steps.get());
    }
  }

  /** Runs the victim until it has said both that and what comes with it, and kills it. */
  private List<String> killAt(String lastLine, boolean commits, int hangsAt) throws Exception {
    Process victim =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName(),
                directory.toString(),
                Boolean.toString(commits),
                Integer.toString(hangsAt))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> said = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(victim.getInputStream(), UTF_8))) {
      String line;
      while (!(said.contains(lastLine) && (!commits || committed(said)))
          && (line = lines.readLine()) != null) {
        said.add(line);
      }
    } finally {
      victim.destroyForcibly();
    }
    assertFalse(victim.waitFor() == 0);
    assertTrue(said.contains(lastLine), said::toString);
    return said;
  }

  private static boolean committed(List<String> said) {
    return said.stream().anyMatch(line -> line.startsWith("committed "));
  }
}
