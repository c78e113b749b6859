package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PulseTest {
  @Test
  void stops_longerThanTheLimit_countedOnceByWhoeverBeatsFirst() {
    AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5); // the clock may wrap
    Pulse pulse = new Pulse(Duration.ofSeconds(1), nanos::get);
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    assertEquals(0, pulse.stops());
    assertFalse(pulse.stoodStillWithin(Duration.ofSeconds(9)));
    nanos.addAndGet(Duration.ofSeconds(1).toNanos() + 1);
    assertEquals(1, pulse.stops());
    assertEquals(1, pulse.stops());
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    assertTrue(pulse.stoodStillWithin(Duration.ofSeconds(2)));
    assertFalse(pulse.stoodStillWithin(Duration.ofSeconds(1)));
  }
}
