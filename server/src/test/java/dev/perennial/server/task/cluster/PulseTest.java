package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PulseTest {
  @Test
  void stoodStill_longerThanTheLimit_seenOnceByWhoeverBeatsFirst() {
    AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5); // the clock may wrap
    Pulse pulse = new Pulse(Duration.ofSeconds(1), nanos::get);
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    assertFalse(pulse.stoodStill());
    nanos.addAndGet(Duration.ofSeconds(1).toNanos() + 1);
    assertTrue(pulse.stoodStill());
    assertFalse(pulse.stoodStill());
  }
}
