package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.TaskVersions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Files that members have stored for a change that never came to be. */
@Timeout(60)
class PreparedFilesTest {
  @RegisterExtension final FakeNetwork network = new FakeNetwork("a", "b", "c");
  private final String pens = TaskVersions.id(TaskVersions.random("pens", 1));

  @BeforeEach
  void start() {
    network.startWithCats("a", "b", "c");
  }

  /** What a member lets go of is removed with the change after. */
  private void goesWithTheNextChanges(String... machines) throws InterruptedException {
    for (int seed = 0; seed < 2; seed++) {
      network.publish(machines[0], "signs", seed);
      network.untilSame(machines);
    }
    for (String machine : machines) {
      assertEquals(network.onDisk(machine).fileIds(), network.get(machine).disk.versionIds());
    }
  }

  @Test
  void coordinatorDiesAfterTheyWereStored_theyGo() throws Exception {
    network.refuses =
        (target, request) -> {
          if (FakeNetwork.isOf(Request.Install.class, request)) {
            network.get("a").kill();
          }
          return false;
        };
    assertThrows(ServingException.class, () -> network.publish("a", "pens", 1));
    for (String machine : List.of("b", "c")) {
      assertTrue(network.get(machine).disk.versionIds().contains(pens));
    }
    network.group("b", "c");
    goesWithTheNextChanges("b", "c");
  }

  @Test
  void refusedAndNobodyIsTold_theyGo() throws Exception {
    network.refuses =
        (target, request) ->
            FakeNetwork.isOf(Request.Install.class, request)
                || FakeNetwork.isOf(Request.Release.class, request);
    assertThrows(ServingException.class, () -> network.publish("b", "pens", 1));
    network.refuses = (target, request) -> FakeNetwork.isOf(Request.Release.class, request);
    goesWithTheNextChanges("a", "b", "c");
  }
}
