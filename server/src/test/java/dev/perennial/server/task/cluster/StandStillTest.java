package dev.perennial.server.task.cluster;

import static dev.perennial.server.task.cluster.FakeNetwork.until;
import static dev.perennial.server.task.cluster.TestOptions.OPTIONS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Members whose process stood still, and that the others removed, or not. */
@Timeout(180)
class StandStillTest {
  /** So long that the others may have removed the member. */
  private static final Duration LONG = OPTIONS.standStill();

  @RegisterExtension final FakeNetwork network = new FakeNetwork("a", "b", "c");

  @BeforeEach
  void start() {
    network.startWithCats("a", "b", "c");
  }

  private Set<String> tasks(String machine) {
    return network.onDisk(machine).tasks().keySet();
  }

  private void refusesAsStoodStill(String machine) {
    ClusterPool member = network.get(machine).member();
    long rejected = network.itself(machine).counters().rejected();
    ServingException e = assertThrows(ServingException.class, () -> member.delete("cats"));
    assertTrue(String.valueOf(e.getMessage()).contains("STOOD_STILL"), e::toString);
    assertTrue(network.itself(machine).counters().rejected() > rejected);
    assertFalse(member.ready());
    assertEquals("STOOD_STILL", network.itself(machine).trouble());
  }

  @Test
  void member_notRemoved_refusesChangesUntilItIsHeardAnewAndThatIsSoon() throws Exception {
    network.get("b").viewIs("a", "b"); // for a moment nobody hears it
    network.get("a").viewIs("a", "c");
    network.get("b").standStill(LONG);
    refusesAsStoodStill("b");
    network.get("a").viewIs("a", "b", "c");
    network.get("b").viewIs("a", "b", "c");
    untilReadyInAnIdleCluster("b");
    assertEquals(2, network.get("b").member().delete("cats").epoch());
  }

  /** No member is told anything, and nothing changes. */
  private void untilReadyInAnIdleCluster(String machine) throws InterruptedException {
    until(() -> network.get(machine).member().ready());
    network.untilSame("a", "b", "c");
  }

  @Test
  void coordinator_notRemoved_hearsTheOthersAnewAndIsReady() throws Exception {
    network.get("a").standStill(LONG);
    untilReadyInAnIdleCluster("a");
    assertEquals(2, network.get("b").member().delete("cats").epoch());
  }

  @Test
  void allMembersAtOnce_ready() throws Exception {
    for (String machine : List.of("a", "b", "c")) {
      network.get(machine).standStill(LONG);
    }
    for (String machine : List.of("a", "b", "c")) {
      untilReadyInAnIdleCluster(machine);
    }
  }

  @Test
  void halfOfTheTime_isTooLongAlready() throws Exception {
    network.get("b").viewIs("b");
    network.get("b").standStill(LONG.dividedBy(2).plusSeconds(1));
    refusesAsStoodStill("b");
    network.group("a", "b", "c");
    untilReadyInAnIdleCluster("b");
  }

  @Test
  void member_thatWasRemovedAndDoesNotKnowIt_changesNothing() throws Exception {
    network.get("a").viewIs("a", "c");
    network.get("c").viewIs("a", "c");
    network.publish("c", "pens", 1);
    network.get("c").member().delete("cats");
    network.connectAll = true; // manifests and questions of a former coordinator arrive
    network.get("b").standStill(LONG);
    refusesAsStoodStill("b");
    network.get("b").viewIs("b");
    refusesAsStoodStill("b");
    network.connectAll = false;
    network.group("a", "c", "b");
    network.untilSame("a", "b", "c");
    assertEquals(Set.of("pens"), tasks("b"));
  }

  @Test
  void coordinator_thatWasRemovedAndDoesNotKnowIt_changesNothing() throws Exception {
    network.get("b").viewIs("b", "c");
    network.get("c").viewIs("b", "c");
    network.connectAll = true;
    network.publish("c", "pens", 1);
    network.get("c").member().delete("cats");
    network.get("a").standStill(LONG);
    refusesAsStoodStill("a");
    network.connectAll = false;
    network.get("a").viewIs("a");
    refusesAsStoodStill("a");
    network.group("b", "c", "a");
    network.untilSame("a", "b", "c");
    assertEquals(Set.of("pens"), tasks("a"));
  }

  @Test
  void coordinator_thatTheOthersComeBackTo_learnsWhatTheyDecidedBeforeItDecides() throws Exception {
    network.group("b", "c");
    network.get("b").member().delete("cats");
    network.get("a").viewIs("a");
    network.get("a").standStill(LONG);
    refusesAsStoodStill("a");
    network.group("a", "b", "c"); // as after a merge into the part of the one that stood still
    network.untilSame("a", "b", "c");
    assertEquals(Set.of(), tasks("a"));
  }

  @Test
  void aloneAfterwards_waitsForTheOthersAWhileAndThenGoesOn() throws Exception {
    network.get("b").viewIs("b");
    network.get("b").standStill(LONG);
    refusesAsStoodStill("b");
    for (int i = 0; i < 13; i++) { // each too short to count as standing still
      network.get("b").standStill(LONG.dividedBy(2).minusSeconds(1));
      assertFalse(network.itself("b").memberId().isEmpty()); // it beats
    }
    until(() -> network.get("b").member().ready());
    network.get("b").member().delete("cats");
    assertEquals(Set.of(), tasks("b"));
  }

  @Test
  void aloneBefore_goesOnAtOnce() throws Exception {
    network.get("b").kill();
    network.get("c").kill();
    network.group("a");
    network.publish("a", "pens", 1);
    network.get("a").standStill(LONG);
    until(() -> network.get("a").member().ready());
    assertEquals(3, network.get("a").member().delete("cats").epoch());
  }
}
