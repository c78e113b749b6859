package dev.perennial.server.task.cluster;

import static dev.perennial.server.task.cluster.TestOptions.OPTIONS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Members;
import dev.perennial.server.error.ServingException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class ReplicaTest {
  @RegisterExtension final FakeNetwork network = new FakeNetwork("a");

  @Test
  void prepare_authorIsGone_refusedButThisMemberMissesNothing() {
    Channel<Request> members = new Channel<>(network.get("a"), Members.Topic.POOL, Request.WIRE);
    Readiness readiness = new Readiness(members, OPTIONS.standStill(), System::nanoTime, () -> {});
    Replica replica = new Replica(network.get("a").pool(), members, readiness, OPTIONS);
    readiness.caughtUp(readiness.standing(), true);
    Request.Prepare prepare = new Request.Prepare(List.of("ab".repeat(32)), List.of("author"));
    ServingException e = assertThrows(ServingException.class, () -> replica.prepare(prepare));
    assertEquals("VERSION_NOT_FETCHED", e.reason());
    assertEquals("", readiness.trouble());
  }
}
