package dev.perennial.server.task.cluster;

import static dev.perennial.server.task.cluster.TestOptions.OPTIONS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Members;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class CoordinatorTest {
  @RegisterExtension final FakeNetwork network = new FakeNetwork("a", "b");
  private final AtomicLong nanos = new AtomicLong();

  @Test
  void tend_aloneAfterItStoodStill_notReadyWhateverTheViewWasBefore() {
    Channel<Request> members = new Channel<>(network.get("a"), Members.Topic.POOL, Request.WIRE);
    Readiness readiness = new Readiness(members, OPTIONS.standStill(), nanos::get, () -> {});
    Replica replica = new Replica(network.get("a").pool(), members, readiness, OPTIONS);
    Coordinator coordinator =
        new Coordinator(network.get("a").pool(), members, replica, readiness, OPTIONS);
    network.get("a").viewIs("a", "b");
    readiness.caughtUp(readiness.standing(), false);
    coordinator.hearAnew("b");
    nanos.addAndGet(OPTIONS.standStill().toNanos());
    network.get("a").viewIs("a"); // between the look at the view and the tending
    assertThrows(ServingException.class, coordinator::tend);
    assertEquals("STOOD_STILL", readiness.trouble());
    for (int i = 0; i < 13; i++) {
      nanos.addAndGet(OPTIONS.standStill().dividedBy(2).minus(Duration.ofSeconds(1)).toNanos());
      assertEquals("STOOD_STILL", readiness.trouble());
    }
    coordinator.tend();
    assertEquals("", readiness.trouble());
  }
}
