package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.task.ClusterView;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersions;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a job publishes a second time, as its owner died before it had told of the first. */
@Timeout(180)
class PublishAgainTest {
  private static final Fence FENCE = new Fence("job", 1);

  private final FakeNetwork network = new FakeNetwork("a", "b", "c");

  @AfterEach
  void close() {
    network.close();
  }

  @Test
  void publish_byAJobAfterItsTaskWasDeleted_doesNotBringItBack() {
    network.startTogether("a", "b", "c");
    TaskVersion version = TaskVersions.random("cats", 1);
    network.get("b").member().publish(version, FENCE);
    network.get("c").member().delete("cats");
    long epoch = network.get("c").member().publish(version, FENCE).epoch();
    assertEquals(2, epoch);
    assertEquals(Set.of(), network.get("a").disk.manifest().versionIds());
  }

  @Test
  void counters_changesAndCatchUps_areTheCoordinators() throws Exception {
    network.startTogether("a", "b");
    network.get("b").member().publish(TaskVersions.random("cats", 1));
    network.get("b").member().delete("cats");
    network.startTogether("c");
    ClusterView.Counters counters =
        network.get("a").member().describe(false).members().get(0).counters();
    assertEquals(2, counters.changes());
    assertTrue(counters.catchUps() > 0);
  }
}
