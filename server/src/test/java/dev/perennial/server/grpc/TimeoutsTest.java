package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TimeoutsTest {
  @Test
  void parseNanos_everyUnit_isUnderstood() {
    assertEquals(Long.MAX_VALUE, Timeouts.parseNanos(null));
    assertEquals(TimeUnit.HOURS.toNanos(2), Timeouts.parseNanos("2H"));
    assertEquals(TimeUnit.MINUTES.toNanos(3), Timeouts.parseNanos("3M"));
    assertEquals(TimeUnit.SECONDS.toNanos(4), Timeouts.parseNanos("4S"));
    assertEquals(5_000_000, Timeouts.parseNanos("5m"));
    assertEquals(6_000, Timeouts.parseNanos("6u"));
    assertEquals(7, Timeouts.parseNanos("7n"));
    assertEquals(0, Timeouts.parseNanos("0n"));
  }

  @Test
  void parseNanos_longerThanACentury_isForever() {
    assertEquals(Long.MAX_VALUE, Timeouts.parseNanos("99999999H"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "S", "12", "123456789S", "-1S", "1.5S", "1s", "1 S"})
  void parseNanos_malformed_isRefused(String header) {
    assertThrows(ServingException.class, () -> Timeouts.parseNanos(header));
  }
}
