package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.ClusterView;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.TaskVersions;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(180)
class ClusterPoolTest {
  @RegisterExtension
  final FakeNetwork network = new FakeNetwork(TestOptions.PATIENT, "a", "b", "c", "d");

  private final CountDownLatch cutOff = new CountDownLatch(1);

  @Test
  void publish_atAnyMember_sameEpochOnEveryDiskWhenItIsAcknowledged() {
    network.startTogether("a", "b", "c");
    for (String machine : List.of("a", "b", "c")) {
      PoolSnapshot snapshot = network.publish(machine, "task-" + machine, 1);
      for (String other : List.of("a", "b", "c")) {
        assertEquals(snapshot.epoch(), network.get(other).pool().snapshot().epoch());
        assertEquals(network.onDisk(machine), network.onDisk(other));
        assertTrue(
            network.get(other).disk.versionIds().containsAll(network.onDisk(other).versionIds()));
      }
    }
    assertEquals(3, network.onDisk("a").epoch());
    assertEquals(3, network.publish("b", "task-a", 1).epoch());
  }

  @Test
  void deleteAndActivate_atAnyMember_everywhere() {
    network.startWithCats("a", "b", "c");
    network.publish("b", "cats", 2);
    String first = TaskVersions.id(TaskVersions.random("cats", 1));
    assertEquals(3, network.get("c").member().activate("cats", first).epoch());
    assertEquals(first, network.onDisk("b").activeVersion("cats"));
    assertEquals(4, network.get("b").member().delete("cats").epoch());
    assertEquals(Set.of(), network.onDisk("a").tasks().keySet());
    ServingException e =
        assertThrows(ServingException.class, () -> network.get("c").member().delete("cats"));
    assertEquals("TASK_NOT_FOUND", e.reason());
    assertEquals(Set.of(), network.get("c").disk.versionIds());
  }

  @Test
  void start_membersThatSeeEachOtherBeforeAnyHasDecided_allReady() throws Exception {
    network.group("a", "b", "c");
    network.get("a").member().start(); // hears b and c, which are at its own epoch already
    network.get("b").member().start();
    network.get("c").member().start();
    network.untilSame("a", "b", "c");
  }

  @Test
  void start_onTheWayFromOneGroupToAnother_waits() throws Exception {
    network.get("a").rejoins();
    List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    Thread starting = new Thread(network.get("a").member()::start, "starting");
    starting.setUncaughtExceptionHandler((thread, e) -> failures.add(e));
    starting.start();
    FakeNetwork.until(
        () -> starting.getState() == Thread.State.TIMED_WAITING || !starting.isAlive());
    network.group("a");
    starting.join();
    assertEquals(List.of(), failures);
    assertTrue(network.get("a").member().ready());
  }

  @Test
  void start_newAndLongDeadMember_catchUpAndBringWhatOnlyTheyHave() throws Exception {
    network.startTogether("d");
    network.publish("d", "old", 1);
    network.publish("d", "cats", 7);
    network.startWithCats("a", "b");
    network.group("a", "b", "c", "d");
    network.get("c").member().start();
    network.untilSame("a", "b", "c", "d");
    assertEquals(Set.of("old", "cats"), network.onDisk("c").tasks().keySet());
    assertEquals(2, network.onDisk("a").versions("cats").size());
    assertEquals(
        TaskVersions.id(TaskVersions.random("cats", 7)), network.onDisk("a").activeVersion("cats"));
    assertTrue(network.get("a").member().describe(false).members().get(0).counters().merges() > 0);
  }

  @Test
  void coordinatorDies_theNextOneGoesOn() throws Exception {
    network.startTogether("a", "b", "c");
    network.publish("c", "cats", 1);
    network.get("a").kill();
    network.group("b", "c");
    assertEquals(2, network.publish("c", "cats", 2).epoch());
    assertEquals(network.onDisk("b"), network.onDisk("c"));
    network.get("a").boot();
    network.group("b", "c", "a");
    network.get("a").member().start();
    network.untilSame("a", "b", "c");
    assertEquals(2, network.onDisk("a").epoch());
  }

  @Test
  void partition_bothSidesPublish_unionAfterHealing() throws Exception {
    network.startWithCats("a", "b", "c");
    network.group("a");
    network.group("b", "c");
    network.publish("a", "cats", 2);
    network.publish("a", "pens", 1);
    network.publish("c", "cats", 3);
    network.get("b").member().delete("cats");
    network.publish("c", "signs", 1);
    network.publish("b", "cats", 4);
    long highest = Math.max(network.onDisk("a").epoch(), network.onDisk("b").epoch());
    network.group("b", "c", "a");
    network.untilSame("a", "b", "c");
    Manifest union = network.onDisk("a");
    assertTrue(union.epoch() > highest);
    assertEquals(Set.of("cats", "pens", "signs"), union.tasks().keySet());
    // Deleted by somebody who had seen them: 1 and 3. Not seen: 2.
    assertEquals(
        List.of(
            TaskVersions.id(TaskVersions.random("cats", 4)),
            TaskVersions.id(TaskVersions.random("cats", 2))),
        union.versions("cats"));
  }

  /** Others' epoch may be as high: it does not say that the change is here. */
  @Test
  void publish_authorIsCutOffBeforeItHasTheChange_returnsOnceItHas() throws Exception {
    network.startTogether("d");
    for (int seed = 0; seed < 5; seed++) {
      network.publish("d", "signs", seed);
    }
    network.startWithCats("a", "b", "c");
    network.refuses =
        (target, request) -> target.equals("c") && FakeNetwork.isOf(Request.Install.class, request);
    network.loses =
        (asker, request) -> {
          if (FakeNetwork.isOf(Request.Apply.class, request)) {
            network.refuses = (target, any) -> false;
            network.get("a").viewIs("a", "b", "c"); // the answer arrives
            network.get("b").viewIs("a", "b");
            network.get("d").viewIs("d", "c");
            cutOff.countDown();
          }
          return false;
        };
    List<PoolSnapshot> published = Collections.synchronizedList(new ArrayList<>());
    Thread author = new Thread(() -> published.add(network.publish("c", "pens", 1)), "author");
    author.start();
    cutOff.await();
    network.get("c").viewIs("d", "c");
    network.group("d", "c");
    FakeNetwork.until(() -> network.onDisk("c").tasks().containsKey("signs"));
    network.group("a", "b", "c", "d");
    author.join();
    assertTrue(published.get(0).slot("pens") >= 0);
  }

  /** It asks somebody else by now; a second change by the first might undo what follows that. */
  @Test
  void publish_authorHasLeftBeforeItIsDecided_notDecidedThere() throws Exception {
    network.startWithCats("a", "b", "c");
    network.connectAll = true; // the question and its answer arrive
    network.isNew =
        (asked, request) -> {
          if (asked.equals("a") && FakeNetwork.isOf(Request.Apply.class, request)) {
            network.group("a", "b");
            network.group("c");
          }
          return false;
        };
    assertTrue(network.publish("c", "pens", 1).slot("pens") >= 0);
    network.get("a").member().delete("cats");
    assertEquals(Set.of(), network.onDisk("a").tasks().keySet());
    network.connectAll = false;
    network.group("a", "b", "c");
    network.untilSame("a", "b", "c");
    assertEquals(Set.of("pens"), network.onDisk("a").tasks().keySet());
  }

  @Test
  void formerCoordinator_thatDoesNotKnowIt_changesNothing() throws Exception {
    network.startWithCats("a", "b", "c");
    network.get("b").viewIs("b", "c");
    network.get("c").viewIs("b", "c");
    network.connectAll = true;
    network.publish("c", "cats", 2);
    ServingException e =
        assertThrows(ServingException.class, () -> network.publish("a", "cats", 3));
    assertEquals(ErrorCode.UNAVAILABLE, e.code(), e.getMessage());
    assertEquals(1, network.onDisk("a").epoch());
    assertEquals(
        TaskVersions.id(TaskVersions.random("cats", 2)), network.onDisk("b").activeVersion("cats"));
    assertTrue(
        network.get("b").member().describe(false).members().get(0).counters().rejected() > 0);
    network.connectAll = false;
    network.group("b", "c", "a");
    network.untilSame("a", "b", "c");
    assertEquals(
        TaskVersions.id(TaskVersions.random("cats", 2)), network.onDisk("a").activeVersion("cats"));
  }

  @Test
  void answersToAManifestAreLost_neverTwoContentsUnderOneEpoch() throws Exception {
    network.isImpatient();
    network.startTogether("a", "b");
    AtomicInteger lost = new AtomicInteger();
    network.loses =
        (asker, request) ->
            asker.equals("a")
                && FakeNetwork.isOf(Request.Install.class, request)
                && lost.incrementAndGet() == 1;
    PoolSnapshot snapshot = network.publish("a", "cats", 1);
    assertTrue(lost.get() >= 1);
    assertEquals(1, snapshot.epoch());
    assertEquals(2, network.publish("b", "pens", 1).epoch());
    network.untilSame("a", "b");
  }

  @Test
  void delete_triedAgainAfterTheCoordinatorDied_returnsOnceTheTaskIsGoneHereToo() {
    network.startWithCats("a", "b", "c", "d");
    AtomicBoolean answered = new AtomicBoolean();
    network.refuses =
        (target, request) ->
            target.equals("c")
                && FakeNetwork.isOf(Request.Install.class, request)
                && !answered.get();
    network.loses =
        (asker, request) -> {
          if (FakeNetwork.isOf(Request.Apply.class, request)) {
            answered.set(network.get("c").view().coordinator().equals("b"));
            network.get("a").kill();
            network.group("b", "c", "d");
          }
          return false;
        };
    PoolSnapshot snapshot = network.get("c").member().delete("cats");
    assertEquals(0, snapshot.tasks().size());
    assertEquals(2, snapshot.epoch());
    assertTrue(answered.get());
  }

  /** A first try that nobody heard has not removed what a second one does not find. */
  @Test
  void remove_whatIsNotThere_notFoundHoweverOftenItIsTried() {
    network.startWithCats("a", "b");
    AtomicInteger asked = new AtomicInteger();
    network.refuses =
        (target, request) ->
            FakeNetwork.isOf(Request.Apply.class, request) && asked.incrementAndGet() % 2 == 1;
    ClusterPool member = network.get("b").member();
    assertEquals(
        "TASK_NOT_FOUND",
        assertThrows(ServingException.class, () -> member.delete("pens")).reason());
    assertEquals(
        "CONTRIBUTION_NOT_FOUND",
        assertThrows(ServingException.class, () -> member.withdraw("cats", "0a".repeat(32)))
            .reason());
    assertEquals(4, asked.get());
  }

  @Test
  void silentMember_changesWaitForItsRemovalOnlyAndItCatchesUp() throws Exception {
    network.isImpatient();
    network.startTogether("a", "b", "c");
    network.frozen.freeze("c");
    assertEquals(1, network.publish("a", "cats", 1).epoch());
    assertEquals(network.onDisk("a"), network.onDisk("b"));
    assertEquals(0, network.onDisk("c").epoch());
    assertFalse(
        network.get("a").member().describe(false).members().stream()
            .filter(member -> member.memberId().equals("c"))
            .allMatch(ClusterView.Member::reachable));
    network.frozen.thaw("c");
    network.untilSame("a", "b", "c");
  }

  @Test
  void halfDoneChangeOfADeadCoordinator_isOnTwoDisksBeforeItIsAcknowledged() throws Exception {
    network.startWithCats("a", "b", "c");
    network.get("a").kill();
    network.get("b").pool().publish(TaskVersions.random("pens", 1)); // only b was told of it
    AtomicInteger refused = new AtomicInteger();
    network.refuses =
        (target, request) ->
            FakeNetwork.isOf(Request.Install.class, request) && refused.incrementAndGet() <= 3;
    network.group("b", "c");
    assertEquals(2, network.publish("b", "pens", 1).epoch()); // tried again
    assertEquals(network.onDisk("b"), network.onDisk("c"));
    assertTrue(refused.get() > 1);
  }

  @Test
  void publish_manyMembersAtOnce_oneOrderForAll() throws Exception {
    network.startTogether("a", "b", "c");
    List<Thread> writers = new ArrayList<>();
    List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    for (String machine : List.of("a", "b", "c")) {
      Thread writer =
          new Thread(
              () -> {
                for (int seed = 0; seed < 8; seed++) {
                  network.publish(machine, "task-" + seed % 3, machine.charAt(0) * 100 + seed);
                }
              });
      writer.setUncaughtExceptionHandler((thread, e) -> failures.add(e));
      writers.add(writer);
      writer.start();
    }
    for (Thread writer : writers) {
      writer.join();
    }
    assertEquals(List.of(), failures);
    network.untilSame("a", "b", "c");
    assertEquals(24, network.onDisk("a").epoch());
    assertEquals(24, network.onDisk("a").versionIds().size());
  }

  @Test
  void disk_emptied_filledAgain() throws Exception {
    network.startWithCats("a", "b", "c");
    network.publish("a", "pens", 1);
    network.get("b").kill();
    network.group("a", "c");
    network.publish("c", "signs", 1); // without b: the coordinator has seen that it is gone
    network.get("b").disk.wipe();
    network.get("b").boot();
    network.group("a", "c", "b");
    network.get("b").member().start();
    network.untilSame("a", "b", "c");
    assertEquals(3, network.get("b").pool().snapshot().epoch());
  }

  @Test
  void answer_requestOfANewerMember_refusedByName() {
    byte[] unknown = "{\"format\":2,\"op\":\"Vote\",\"body\":{}}".getBytes(StandardCharsets.UTF_8);
    byte[] answer = network.get("a").answer(unknown);
    ServingException e =
        assertThrows(ServingException.class, () -> Wire.read(answer, Manifest.class));
    assertEquals("UNKNOWN_REQUEST", e.reason());
    byte[] broken = network.get("a").answer("{".getBytes(StandardCharsets.UTF_8));
    assertEquals(
        "BAD_MEMBER_MESSAGE",
        assertThrows(ServingException.class, () -> Wire.read(broken, Manifest.class)).reason());
  }
}
