package dev.perennial.server.grpc;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.JobState;
import dev.perennial.server.training.SampleJobs;
import dev.perennial.server.training.TrainingJob;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;

class JobPagesTest {
  private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");

  /** Newest first; three of one instant. */
  private static final List<TrainingJob> JOBS =
      List.of(
          job("a", NOON.plusNanos(1)),
          job("d", NOON),
          job("c", NOON),
          job("b", NOON),
          job("e", NOON.minusNanos(1)));

  private static TrainingJob job(String id, Instant created) {
    return SampleJobs.job(id, "request-" + id, created, JobState.QUEUED);
  }

  private static List<String> ids(List<TrainingJob> jobs) {
    return jobs.stream().map(TrainingJob::jobId).toList();
  }

  /** Members have clocks of their own. */
  @Test
  void page_jobsOfOneInstantAtAPagesEdge_showsEachOnce() {
    for (int size = 1; size <= JOBS.size(); size++) {
      List<String> seen = new ArrayList<>();
      String token = "";
      do {
        Pages.Page<TrainingJob> page = JobPages.page(JOBS, size, token);
        seen.addAll(ids(page.elements()));
        token = page.nextToken();
      } while (!token.isEmpty());
      assertEquals(ids(JOBS), seen, "pages of " + size);
    }
  }

  @Test
  void page_tokenOfAnEarlierServer_goesOnBehindItsInstant() {
    assertEquals(List.of("e"), ids(JobPages.page(JOBS, 10, token(NOON.toString())).elements()));
  }

  @Test
  void page_foreignToken_isRefused() {
    for (String key : List.of(" ", "yesterday", "yesterday a")) {
      ServingException e =
          assertThrows(ServingException.class, () -> JobPages.page(JOBS, 10, token(key)), key);
      assertEquals("PAGE_TOKEN", e.reason());
    }
  }

  private static String token(String key) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(key.getBytes(UTF_8));
  }
}
