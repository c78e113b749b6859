package dev.perennial.server.grpc;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The header {@code grpc-timeout}: up to 8 digits and a unit. */
final class Timeouts {
  private static final int MAX_DIGITS = 8;

  private Timeouts() {}

  /** The timeout; Long.MAX_VALUE where there is no header. */
  static long parseNanos(@Nullable String header) {
    if (header == null) {
      return Long.MAX_VALUE;
    }
    int digits = header.length() - 1;
    if (digits < 1 || digits > MAX_DIGITS) {
      throw malformed(header);
    }
    long value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = header.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        throw malformed(header);
      }
      value = 10 * value + digit;
    }
    TimeUnit unit =
        switch (header.charAt(digits)) {
          case 'H' -> TimeUnit.HOURS;
          case 'M' -> TimeUnit.MINUTES;
          case 'S' -> TimeUnit.SECONDS;
          case 'm' -> TimeUnit.MILLISECONDS;
          case 'u' -> TimeUnit.MICROSECONDS;
          case 'n' -> TimeUnit.NANOSECONDS;
          default -> throw malformed(header);
        };
    // Longer than a century is forever: the sum with nanoTime must not overflow.
    long nanos = unit.toNanos(value);
    return nanos > TimeUnit.DAYS.toNanos(36_500) ? Long.MAX_VALUE : nanos;
  }

  private static ServingException malformed(String header) {
    return new ServingException(
        ErrorCode.INVALID_ARGUMENT,
        "MALFORMED_TIMEOUT",
        "grpc-timeout: " + header + " (expected: 1 to 8 digits and one of H M S m u n)");
  }
}
