package dev.perennial.server.device;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** The running counts of one device. Safe for any thread. */
final class DeviceCounters {
  final AtomicInteger inFlight = new AtomicInteger();
  final LongAdder firstPassRows = new LongAdder();
  final LongAdder secondPassRows = new LongAdder();
  final LongAdder skippedSecondPasses = new LongAdder();
  final LongAdder embedRows = new LongAdder();
  final LongAdder batches = new LongAdder();
  final LongAdder queueWaitNanos = new LongAdder();
  final LongAdder textRows = new LongAdder();
  final LongAdder textCacheHits = new LongAdder();
  final LongAdder textCacheMisses = new LongAdder();
  final LongAdder rerouted = new LongAdder();
  final LongAdder expired = new LongAdder();
  final LongAdder refused = new LongAdder();
  final LongAdder failed = new LongAdder();
  final LongAdder steps = new LongAdder();
  final LongAdder servingNanos = new LongAdder();
  final LongAdder stepNanos = new LongAdder();

  DeviceStats stats(String device, boolean healthy, long epoch) {
    return new DeviceStats(
        device,
        healthy,
        epoch,
        inFlight.get(),
        firstPassRows.sum(),
        secondPassRows.sum(),
        skippedSecondPasses.sum(),
        embedRows.sum(),
        batches.sum(),
        queueWaitNanos.sum(),
        textRows.sum(),
        textCacheHits.sum(),
        textCacheMisses.sum(),
        rerouted.sum(),
        expired.sum(),
        refused.sum(),
        failed.sum(),
        steps.sum(),
        servingNanos.sum(),
        stepNanos.sum());
  }
}
