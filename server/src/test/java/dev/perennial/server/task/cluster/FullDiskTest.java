package dev.perennial.server.task.cluster;

import static dev.perennial.server.task.cluster.FakeNetwork.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Contributions;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Members whose disk takes nothing more. */
@Timeout(180)
class FullDiskTest {
  @RegisterExtension final FakeNetwork network = new FakeNetwork("a", "b", "c", "d");

  private void startWithFullCoordinator(String... machines) {
    network.startTogether(machines);
    network.publish("b", "cats", 1);
    network.get("a").disk.full(true);
  }

  @Test
  void coordinator_noRoom_everyKindOfChangeGoesOnAndItCatchesUpOnceThereIs() throws Exception {
    startWithFullCoordinator("a", "b", "c");
    assertEquals(2, network.publish("c", "pens", 1).epoch());
    assertEquals(network.onDisk("b"), network.onDisk("c"));
    assertEquals(1, network.onDisk("a").epoch());
    assertEquals("DISK_FULL", network.itself("a").trouble());
    assertFalse(network.get("a").member().ready());
    ClusterPool b = network.get("b").member();
    assertEquals(3, b.contribute(Contributions.random("cats", 1, "request")).epoch());
    assertEquals(4, b.delete("pens").epoch());
    assertEquals(5, network.publish("c", "cats", 2).epoch());
    for (String other : Set.of("b", "c")) {
      assertTrue(network.get(other).disk.versionIds().containsAll(network.onDisk("c").fileIds()));
      assertTrue(network.get(other).member().ready());
      assertEquals(5, network.onDisk(other).epoch());
    }
    assertEquals(1, network.onDisk("a").epoch());
    network.get("a").disk.full(false);
    network.untilSame("a", "b", "c");
    assertEquals(5, network.onDisk("a").epoch());
    assertEquals(6, network.get("a").member().delete("cats").epoch());
  }

  @Test
  void coordinator_noRoomForAManifest_deleteGoesOn() throws Exception {
    startWithFullCoordinator("a", "b", "c");
    assertEquals(2, network.get("c").member().delete("cats").epoch());
    assertEquals(1, network.onDisk("a").epoch());
    assertEquals("DISK_FULL", network.itself("a").trouble());
    network.get("a").disk.full(false);
    network.untilSame("a", "b", "c");
  }

  @Test
  void coordinator_noRoomAndOneOtherOnly_refusedAndNothingChanges() throws Exception {
    startWithFullCoordinator("a", "b");
    ServingException e =
        assertThrows(ServingException.class, () -> network.publish("b", "pens", 1));
    assertEquals("DISK_FULL", e.reason());
    assertEquals(1, network.onDisk("b").epoch());
    until(() -> network.get("a").member().ready()); // nothing was decided that it has not
    network.get("a").disk.full(false);
    assertEquals(2, network.publish("b", "pens", 1).epoch());
    assertEquals(network.onDisk("a"), network.onDisk("b"));
  }

  @Test
  void coordinator_noRoom_acknowledgedOnlyOnceTwoOthersHaveIt() throws Exception {
    startWithFullCoordinator("a", "b", "c");
    AtomicInteger refused = new AtomicInteger();
    network.refuses =
        (target, request) ->
            target.equals("c")
                && FakeNetwork.isOf(Request.Install.class, request)
                && refused.incrementAndGet() <= 3;
    long epoch = network.publish("b", "pens", 1).epoch();
    assertEquals(epoch, network.onDisk("c").epoch());
    assertEquals(network.onDisk("b"), network.onDisk("c"));
    assertTrue(refused.get() > 1);
  }

  @Test
  void coordinator_noRoom_membersThatComeGetEverythingFromTheOthers() throws Exception {
    startWithFullCoordinator("a", "b", "c");
    network.publish("b", "pens", 1);
    network.startTogether("d");
    network.publish("d", "signs", 1);
    network.group("a", "b", "c", "d");
    until(() -> network.onDisk("d").tasks().keySet().equals(Set.of("cats", "pens", "signs")));
    network.untilSame("d", "b", "c");
    assertEquals(Set.of("cats"), network.onDisk("a").tasks().keySet());
  }

  @Test
  void coordinator_noRoomAndDies_nothingIsLost() throws Exception {
    startWithFullCoordinator("a", "b", "c");
    network.publish("b", "pens", 1);
    network.get("a").kill();
    network.group("b", "c");
    assertEquals(3, network.publish("c", "signs", 1).epoch());
    network.get("a").disk.full(false);
    network.get("a").boot();
    network.group("b", "c", "a");
    network.get("a").member().start();
    network.untilSame("a", "b", "c");
  }

  @Test
  void coordinator_noRoomAndTheOthersLeave_goesOnWithWhatItHasAndUnitesLater() throws Exception {
    startWithFullCoordinator("a", "b", "c");
    network.publish("b", "pens", 1);
    network.group("b", "c");
    network.group("a");
    until(() -> network.get("a").member().ready());
    network.get("a").disk.full(false);
    network.publish("a", "signs", 1);
    network.publish("b", "cats", 2);
    network.group("b", "c", "a");
    network.untilSame("a", "b", "c");
    assertEquals(Set.of("cats", "pens", "signs"), network.onDisk("a").tasks().keySet());
  }

  @Test
  void coordinator_startsWithoutRoom_theOthersGoOn() throws Exception {
    startWithFullCoordinator("a", "b", "c");
    network.publish("b", "pens", 1);
    network.get("b").kill();
    network.get("a").kill();
    network.get("a").boot();
    network.group("a", "c"); // as if all had started again
    Thread starting = new Thread(network.get("a").member()::start, "starting");
    starting.start();
    network.get("b").boot();
    network.group("a", "c", "b");
    network.get("b").member().start();
    assertEquals(3, network.publish("c", "signs", 1).epoch());
    assertEquals(1, network.onDisk("a").epoch());
    network.get("a").disk.full(false);
    starting.join();
    network.untilSame("a", "b", "c");
  }

  @Test
  void publish_noOtherMemberHasRoom_refusedAndNothingChanges() throws Exception {
    network.startTogether("a", "b");
    network.get("b").disk.full(true);
    ServingException e =
        assertThrows(ServingException.class, () -> network.publish("a", "cats", 1));
    assertEquals("DISK_FULL", e.reason());
    assertEquals(0, network.onDisk("a").epoch());
    until(() -> network.get("b").member().ready()); // it has all that was decided
    network.get("b").disk.full(false);
    assertEquals(1, network.publish("a", "cats", 1).epoch());
    assertTrue(network.get("b").member().ready());
  }
}
