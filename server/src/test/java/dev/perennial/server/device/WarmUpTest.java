package dev.perennial.server.device;

import static dev.perennial.server.device.FakeServer.get;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // a device is let go in the middle of a test
class WarmUpTest {
  private static final LabelSet LABELS = FakeWorld.labels("cat", "dog", "tree");
  private static final long SECOND = Duration.ofSeconds(1).toNanos();

  private final FakeEncoder encoder = new FakeEncoder();
  private final AtomicLong clock = new AtomicLong();

  private Set<String> programs(int rows) {
    return encoder.batches.stream()
        .filter(batch -> batch.size() == rows)
        .map(batch -> (batch.images() ? "images " : "texts ") + batch.gateWeights().get(0))
        .collect(Collectors.toSet());
  }

  @Test
  void run_eachProgram_withOneRowAndWithAFullBatch() {
    WarmUp.run(encoder, 8, clock::get);
    Set<String> all = Set.of("images 0.0", "images 1.0", "texts 0.0", "texts 1.0");
    assertEquals(all, programs(1));
    assertEquals(all, programs(8));
  }

  @Test
  void run_slowDevice_fewerRows() {
    encoder.before = batch -> clock.addAndGet(batch.size() * SECOND / 5);
    WarmUp.run(encoder, 8, clock::get);
    assertEquals(4, programs(5).size());
    assertEquals(Set.of(), programs(8));
    encoder.batches.clear();
    encoder.before = batch -> clock.addAndGet(2 * SECOND * batch.size());
    WarmUp.run(encoder, 8, clock::get);
    assertTrue(encoder.batches.stream().allMatch(batch -> batch.size() == 1));
  }

  @Test
  void start_firstRunsAreSlow_coldServerRefusesNobodyForThem() {
    FakeServer server = new FakeServer(List.of("cpu"), List.of(() -> encoder));
    encoder.before =
        batch -> {
          boolean first = encoder.batches.stream().filter(batch::equals).count() == 1;
          server.clock.addAndGet(first && batch.size() == 1 ? 60 * SECOND : 1);
        };
    server.devices.start();
    get(server.classify(FakeWorld.image("sketch", 0), LABELS));
    CompletableFuture<Classification> second;
    try (FakeServer.Held held = FakeServer.hold(encoder)) {
      CompletableFuture<Classification> first =
          server.classify(FakeWorld.image("sketch", 1), LABELS);
      held.awaitEntered();
      second =
          server.classify(
              FakeWorld.image("sketch", 2), LABELS, server.clock.get() + SECOND, "source");
      assertFalse(second.isDone(), "refused: " + second);
      held.close();
      get(first);
    }
    get(second);
    server.close();
  }

  @Test
  void start_deviceCannotComputeAtAll_fails() {
    FakeServer server = new FakeServer(List.of("cpu"), List.of(() -> encoder));
    encoder.before =
        batch -> {
          throw new IllegalStateException("no kernel image is available");
        };
    assertEquals(
        "DEVICE_FAILED", assertThrows(ServingException.class, server.devices::start).reason());
    assertTrue(encoder.closed);
    server.close();
  }
}
