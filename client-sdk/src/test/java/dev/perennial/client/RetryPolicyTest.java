package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.perennial.client.PerennialException.Code;
import io.grpc.Status;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RetryPolicyTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private final PerennialException unavailable = new PerennialException(Code.UNAVAILABLE, "away");

  private static PerennialException asks(Duration wait) {
    return new PerennialException(Code.RESOURCE_EXHAUSTED, "full", null, null, wait, null, null);
  }

  private final RetryPolicy plain = new RetryPolicy(() -> 0.0);

  @Test
  void retry_retryInfo_waitsAtLeastAsLong() {
    RetryPolicy jittery = new RetryPolicy(() -> 0.5);
    PerennialException failure = asks(Duration.ofMillis(200));
    assertEquals(Optional.of(Duration.ofMillis(200)), plain.retry(failure, 1, MINUTE, false));
    assertEquals(Optional.of(Duration.ofMillis(220)), jittery.retry(failure, 1, MINUTE, false));
  }

  @Test
  void retry_unavailable_backsOff() {
    assertEquals(Optional.of(Duration.ofMillis(50)), plain.retry(unavailable, 1, MINUTE, false));
    assertEquals(Optional.of(Duration.ofMillis(100)), plain.retry(unavailable, 2, MINUTE, false));
  }

  /** What gRPC's transport says of a socket that closed, and what a server may say. */
  @Test
  void retry_socketClosed_asUnavailable() {
    Status unknown = Status.UNKNOWN.withDescription("channel closed");
    PerennialException lost =
        PerennialException.of(unknown.withCause(new ClosedChannelException()).asRuntimeException());
    assertEquals(Code.UNAVAILABLE, lost.code());
    assertEquals(Optional.of(Duration.ofMillis(50)), plain.retry(lost, 1, MINUTE, false));
    PerennialException told = PerennialException.of(unknown.asRuntimeException());
    assertEquals(Code.UNKNOWN, told.code());
    assertEquals(Optional.empty(), plain.retry(told, 1, MINUTE, false));
  }

  @Test
  void retry_otherFailure_never() {
    PerennialException full = new PerennialException(Code.RESOURCE_EXHAUSTED, "full");
    assertEquals(Optional.empty(), plain.retry(full, 1, MINUTE, false));
  }

  @Test
  void retry_waitReachesDeadline_never() {
    PerennialException failure = asks(Duration.ofSeconds(1));
    assertEquals(Optional.empty(), plain.retry(failure, 1, Duration.ofSeconds(1), false));
  }

  @Test
  void retry_lastAttempt_never() {
    assertEquals(
        Optional.empty(), plain.retry(unavailable, RetryPolicy.MAX_ATTEMPTS, MINUTE, false));
  }

  @Test
  void retry_budgetSpent_neverUntilCallsSucceed() {
    PerennialException full = asks(Duration.ofMillis(1));
    for (int i = 0; i < RetryPolicy.MAX_TOKENS; i++) {
      assertEquals(true, plain.retry(full, 1, MINUTE, false).isPresent());
    }
    assertEquals(Optional.empty(), plain.retry(full, 1, MINUTE, false));
    for (int i = 0; i < 11; i++) {
      plain.succeeded();
    }
    assertEquals(true, plain.retry(full, 1, MINUTE, false).isPresent());
    assertEquals(Optional.empty(), plain.retry(full, 1, MINUTE, false));
  }

  @Test
  void retry_serverLost_costsNoToken() {
    for (int i = 0; i < 3 * RetryPolicy.MAX_TOKENS; i++) {
      assertEquals(Optional.of(Duration.ofMillis(50)), plain.retry(unavailable, 1, MINUTE, false));
    }
    assertEquals(true, plain.hedge());
  }

  @Test
  void delay_manyFailures_staysBounded() {
    assertEquals(Duration.ofMillis(2500), plain.delay(unavailable, 1000));
  }

  @Test
  void retry_anotherMemberServes_atOnceAndWithoutAToken() {
    for (int i = 0; i < 3 * RetryPolicy.MAX_TOKENS; i++) {
      assertEquals(Optional.of(Duration.ZERO), plain.retry(unavailable, 1, MINUTE, true));
    }
    assertEquals(
        Optional.empty(), plain.retry(unavailable, RetryPolicy.MAX_ATTEMPTS, MINUTE, true));
    for (int i = 0; i < RetryPolicy.MAX_TOKENS; i++) {
      assertEquals(true, plain.hedge());
    }
    assertEquals(false, plain.hedge());
  }
}
