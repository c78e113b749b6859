package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.PerennialClient;
import dev.perennial.client.PerennialException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LoadGeneratorTest {
  private static final Duration DEADLINE = Duration.ofMillis(100);
  private static final LoadGenerator.Plan PLAN =
      new LoadGenerator.Plan(1000, Duration.ofSeconds(1), Duration.ofSeconds(10), DEADLINE, 5, 3);

  private final HandTicker ticker = new HandTicker();

  /** Moves only when it is waited for, or turned by a test's service. */
  private static final class HandTicker implements LoadGenerator.Ticker {
    private long now = 12345;

    @Override
    public long nanoTime() {
      return now;
    }

    @Override
    public void waitUntil(long nanoTime) {
      now = Math.max(now, nanoTime);
    }

    CompletableFuture<Void> answerAfter(Duration time) {
      now += time.toNanos();
      return CompletableFuture.completedFuture(null);
    }
  }

  @Test
  void run_fastService_countsTheMeasuredTimeOnly() throws Exception {
    int[] asked = new int[PLAN.pictures()];
    LoadReport report =
        new LoadGenerator(PLAN, ticker)
            .run(
                picture -> {
                  asked[picture]++;
                  return ticker.answerAfter(Duration.ofNanos(1000));
                });
    int all = java.util.Arrays.stream(asked).sum();
    assertEquals(11_000, (double) all, 350); // Poisson: three standard deviations
    assertEquals(10_000, (double) report.sent(), 300);
    assertTrue(report.sent() < all);
    assertEquals(report.sent(), report.answered());
    assertEquals(report.sent(), report.onTime());
    assertEquals(report.sent() / report.seconds(), report.throughput(), 1e-9);
    assertTrue(report.p99Millis() < 1, report::toString);
    for (int count : asked) {
      assertEquals(all / 5.0, count, 150);
    }
  }

  @Test
  void run_oneStall_showsInTheLatenciesOfThoseWhoWereDueMeanwhile() throws Exception {
    int[] count = new int[1];
    LoadReport report =
        new LoadGenerator(PLAN, ticker)
            .run(
                picture ->
                    ticker.answerAfter(
                        count[0]++ == 5000 ? Duration.ofSeconds(1) : Duration.ofNanos(1000)));
    // One answer of 10,000 took a second. Counted from the sending, p99 would be 1 us. Counted from
    // when they were due, a tenth of all requests waited, evenly from 1 s down to 0.
    assertEquals(900, report.p99Millis(), 60);
    assertEquals(500, report.p95Millis(), 60);
    assertEquals(0.91, (double) report.onTime() / report.answered(), 0.02);
    assertEquals(1000, report.maxMillis(), 10);
  }

  @Test
  void run_answersLate_goodputIsLowerThanThroughput() throws Exception {
    LoadGenerator.Plan slow =
        new LoadGenerator.Plan(1, Duration.ZERO, Duration.ofSeconds(100), DEADLINE, 1, 3);
    int[] count = new int[1];
    LoadReport report =
        new LoadGenerator(slow, ticker)
            .run(
                picture ->
                    ticker.answerAfter(
                        count[0]++ % 2 == 0 ? DEADLINE.plusMillis(5) : Duration.ofMillis(1)));
    assertEquals(report.sent(), report.answered());
    assertTrue(report.goodput() < 0.6 * report.throughput(), report::toString);
    assertTrue(report.goodput() > 0.3 * report.throughput(), report::toString);
  }

  @Test
  void run_failures_areCountedByKind() throws Exception {
    PerennialException closed = closedClientFailure();
    int[] count = new int[1];
    LoadReport report =
        new LoadGenerator(PLAN, ticker)
            .run(
                picture -> {
                  if (count[0]++ % 2 == 0) {
                    throw closed;
                  }
                  return CompletableFuture.failedFuture(new IllegalStateException("broken"));
                });
    assertEquals(0, report.answered());
    assertEquals(0, report.goodput());
    assertEquals(
        report.sent(),
        report.failures().getOrDefault(closed.code().name(), 0L)
            + report.failures().getOrDefault("UNKNOWN", 0L));
  }

  @Test
  void run_answersOnAnotherThread_waitsForTheLast() throws Exception {
    LoadGenerator.Plan few =
        new LoadGenerator.Plan(100, Duration.ZERO, Duration.ofSeconds(1), DEADLINE, 1, 3);
    CompletableFuture<Void> late = new CompletableFuture<>();
    CompletableFuture<LoadReport> report =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return new LoadGenerator(few, ticker).run(picture -> late);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    late.complete(null);
    LoadReport all = report.get(60, TimeUnit.SECONDS);
    assertEquals(all.sent(), all.answered());
  }

  @Test
  void plan_nonsense_isRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new LoadGenerator.Plan(1, Duration.ZERO, Duration.ZERO, DEADLINE, 1, 1));
    assertThrows(
        IllegalArgumentException.class,
        () -> new LoadGenerator.Plan(1, Duration.ZERO, DEADLINE, Duration.ZERO, 1, 1));
    assertThrows(
        IllegalArgumentException.class,
        () -> new LoadGenerator.Plan(1, Duration.ZERO, DEADLINE, DEADLINE, 0, 1));
  }

  private static PerennialException closedClientFailure() {
    PerennialClient client = PerennialClient.builder().target("localhost:1").build();
    client.close();
    return assertThrows(PerennialException.class, () -> client.getTask("x"));
  }
}
