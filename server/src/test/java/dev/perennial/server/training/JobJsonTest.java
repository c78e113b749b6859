package dev.perennial.server.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.task.PrefixShape;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class JobJsonTest {

  private static final TrainingSpec SPEC =
      new TrainingSpec(
          "task",
          List.of("\uD83D\uDC1C ant", "\"quoted\"", "ы"),
          "a {}",
          "request",
          TrainingSpec.Recipe.OFFICIAL,
          GateKind.PAPER,
          Long.MIN_VALUE + 1,
          new PrefixShape(3, 8),
          17,
          33,
          0.1f,
          0.3f);

  @Test
  void read_written_sameJob() {
    TrainingJob.Progress progress =
        new TrainingJob.Progress(1, 2, 3, 4, 0.1f, 0.2f, 3.3f, Duration.ZERO, Float.NaN, Float.NaN);
    TrainingJob job = job(JobState.SUCCEEDED, progress, "version", 12, null);
    JobJson.Stored back = JobJson.read(JobJson.write(job, true));
    assertEquals(job, back.job());
    assertTrue(back.cancelRequested());
  }

  @Test
  void read_failedJob_sameError() {
    ServingException error = ServingException.invalid("REASON", "spec.x", "x: 1 (expected: 2)");
    TrainingJob job = job(JobState.FAILED, TrainingJob.Progress.NONE, null, 0, error);
    TrainingJob back = JobJson.read(JobJson.write(job, false)).job();
    ServingException read = Objects.requireNonNull(back.error());
    assertEquals(error.code(), read.code());
    assertEquals(error.reason(), read.reason());
    assertEquals(error.field(), read.field());
    assertEquals(error.getMessage(), read.getMessage());
    assertNull(back.versionId());
  }

  @Test
  void read_damaged_isDataLoss() {
    byte[] whole =
        JobJson.write(job(JobState.QUEUED, TrainingJob.Progress.NONE, null, 0, null), false);
    String text = new String(whole, UTF_8);
    for (String damaged :
        List.of(
            "",
            "null",
            "[]",
            "{}",
            text.substring(0, text.length() / 2),
            text.replace("\"format\":1", "\"format\":0"),
            text.replace("QUEUED", "WAITING"),
            text.replace("\"examples\":5", "\"examples\":\"many\""),
            text.replace("\"seed\"", "\"sed\""))) {
      ServingException e =
          assertThrows(
              ServingException.class, () -> JobJson.read(damaged.getBytes(UTF_8)), damaged);
      assertEquals(ErrorCode.DATA_LOSS, e.code());
    }
  }

  @Test
  void read_fieldsOfNewerSoftware_passedOver() {
    TrainingJob job = job(JobState.QUEUED, TrainingJob.Progress.NONE, null, 0, null);
    String text = new String(JobJson.write(job, false), UTF_8);
    String newer =
        text.replace("{\"format\":1", "{\"priority\":{\"level\":7},\"format\":1")
            .replace("\"seed\":", "\"ema\":0.99,\"seed\":");
    assertEquals(text.length() + 34, newer.length());
    assertEquals(job, JobJson.read(newer.getBytes(UTF_8)).job());
  }

  @Test
  void read_formatOfNewerSoftware_namesBothFormats() {
    TrainingJob job = job(JobState.QUEUED, TrainingJob.Progress.NONE, null, 0, null);
    byte[] newer =
        new String(JobJson.write(job, false), UTF_8)
            .replace("\"format\":1", "\"format\":2")
            .getBytes(UTF_8);
    ServingException e = assertThrows(ServingException.class, () -> JobJson.read(newer));
    assertEquals(ErrorCode.FAILED_PRECONDITION, e.code());
    assertEquals("format of job or upload: 2 (expected: 1, or newer software)", e.getMessage());
  }

  private static TrainingJob job(
      JobState state,
      TrainingJob.Progress progress,
      @Nullable String version,
      long epoch,
      @Nullable ServingException error) {
    Instant created = Instant.parse("2026-01-02T03:04:05.000000007Z");
    return new TrainingJob(
        "id", SPEC, state, progress, 5, version, epoch, error, created, created.plusSeconds(1));
  }
}
