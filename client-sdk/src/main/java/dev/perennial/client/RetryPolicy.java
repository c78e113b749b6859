package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import java.time.Duration;
import java.util.Optional;
import java.util.function.DoubleSupplier;

/**
 * Decides whether a failed call is tried again, and when: only where the server says so
 * (RetryInfo), or where it could not be reached: every call of this client says what shall be, not
 * what shall happen, so that it may be done twice. Where another member serves, it is asked at
 * once. One per client; safe for any thread.
 *
 * <p>A budget keeps a failing server from being flooded: each retry costs one token of {@value
 * #MAX_TOKENS}, each success earns {@value #TOKENS_PER_SUCCESS}. What a lost member leaves costs
 * none: that calls were in flight there is no sign of too many calls.
 */
final class RetryPolicy {
  /** Tries of one call, the first included. */
  static final int MAX_ATTEMPTS = 4;

  static final double MAX_TOKENS = 10;
  static final double TOKENS_PER_SUCCESS = 0.1;

  private static final Duration FIRST_BACKOFF = Duration.ofMillis(100);
  private static final Duration MAX_BACKOFF = Duration.ofSeconds(5);

  /** A wait that the server asked for is lengthened by up to this share, never shortened. */
  private static final double RETRY_INFO_JITTER = 0.2;

  private final DoubleSupplier random;
  private double tokens = MAX_TOKENS;

  /**
   * @param random uniform in [0, 1)
   */
  RetryPolicy(DoubleSupplier random) {
    this.random = random;
  }

  /**
   * How long to wait before the next try; empty where there is none. Takes a token where there is.
   *
   * @param attempt the number of tries that have failed, from 1
   * @param left until the call's deadline; a wait that would not end before it is no retry
   * @param elsewhere whether a member serves that did not fail this call yet
   */
  synchronized Optional<Duration> retry(
      PerennialException failure, int attempt, Duration left, boolean elsewhere) {
    if (attempt >= MAX_ATTEMPTS || !mayRepeat(failure)) {
      return Optional.empty();
    }
    if (elsewhere && failure.code() == Code.UNAVAILABLE) {
      return Optional.of(Duration.ZERO);
    }
    boolean lost = failure.code() == Code.UNAVAILABLE && failure.reason() == null;
    if (!lost && tokens < 1) {
      return Optional.empty();
    }
    Duration wait = elsewhere ? Duration.ZERO : delay(failure, attempt);
    if (wait.compareTo(left) >= 0) {
      return Optional.empty();
    }
    if (!lost) {
      tokens -= 1;
    }
    return Optional.of(wait);
  }

  /** Takes a token for a second try beside a first; false where there is none. */
  synchronized boolean hedge() {
    if (tokens < 1) {
      return false;
    }
    tokens -= 1;
    return true;
  }

  /** Whether the server asks for another try, or could not be reached. */
  static boolean mayRepeat(PerennialException failure) {
    return failure.retryAfter() != null || failure.code() == Code.UNAVAILABLE;
  }

  /** What the server asked for, or exponential backoff; both with jitter. */
  Duration delay(PerennialException failure, int attempt) {
    Duration asked = failure.retryAfter();
    if (asked != null) {
      return scale(asked, 1 + RETRY_INFO_JITTER * random.getAsDouble());
    }
    Duration backoff = FIRST_BACKOFF.multipliedBy(1L << Math.min(attempt - 1, 16));
    if (backoff.compareTo(MAX_BACKOFF) > 0) {
      backoff = MAX_BACKOFF;
    }
    return scale(backoff, 0.5 + random.getAsDouble());
  }

  /** A call succeeded: earns a share of a token. */
  synchronized void succeeded() {
    tokens = Math.min(MAX_TOKENS, tokens + TOKENS_PER_SUCCESS);
  }

  private static Duration scale(Duration duration, double factor) {
    return Duration.ofNanos((long) (duration.toNanos() * factor));
  }
}
