package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.task.ClusterView;
import dev.perennial.server.task.Contributions;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.server.task.TaskVersions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Contributions of statistics, to a pool across members. */
@Timeout(60)
class ContributionPoolTest {
  private final FakeNetwork network = new FakeNetwork("a", "b", "c");

  @AfterEach
  void close() {
    network.close();
  }

  private static String id(TaskVersion version) {
    return TaskVersionFile.versionId(TaskVersionFile.write(version));
  }

  private Manifest onDisk(String machine) {
    return network.get(machine).disk.manifest();
  }

  private PoolSnapshot publish(String machine, String task, long seed) {
    return network.get(machine).member().publish(TaskVersions.random(task, seed));
  }

  private void untilSame(String... names) throws InterruptedException {
    network.untilSame(names);
  }

  private PoolSnapshot contribute(String machine, String requestId) {
    return network.get(machine).member().contribute(Contributions.random("cats", 1, requestId));
  }

  private static String contribution(String requestId) {
    return Contributions.id(Contributions.random("cats", 1, requestId));
  }

  private FeatureStatistics statistics(String machine) {
    PoolSnapshot snapshot = network.get(machine).pool().snapshot();
    return snapshot.tasks().get(snapshot.slot("cats")).statistics();
  }

  @Test
  void contribute_atAnyMember_onEveryDiskAndInEverySum() {
    network.startTogether("a", "b", "c");
    publish("a", "cats", 1);
    FeatureStatistics sum = statistics("a");
    for (String machine : List.of("a", "b", "c")) {
      PoolSnapshot snapshot = contribute(machine, "request " + machine);
      sum = sum.plus(Contributions.random("cats", 1, "request " + machine).statistics());
      for (String other : List.of("a", "b", "c")) {
        assertEquals(snapshot.epoch(), network.get(other).pool().snapshot().epoch());
        assertEquals(sum, statistics(other));
        assertTrue(network.get(other).disk.versionIds().containsAll(onDisk(other).fileIds()));
      }
    }
    assertEquals(4, contribute("c", "request a").epoch());
    network.get("b").member().withdraw("cats", contribution("request a"));
    sum = sum.minus(Contributions.random("cats", 1, "request a").statistics());
    assertEquals(sum, statistics("c"));
    ServingException e =
        assertThrows(
            ServingException.class,
            () -> network.get("c").member().withdraw("cats", contribution("request a")));
    assertEquals("CONTRIBUTION_NOT_FOUND", e.reason());
  }

  @Test
  void describe_withVersions_tellsWhichContributionsAreOnWhichDisk() {
    network.startTogether("a", "b");
    publish("a", "cats", 1);
    contribute("b", "request");
    for (ClusterView.Member member : network.get("a").member().describe(true).members()) {
      assertEquals(1, member.contributions());
      assertEquals(List.of(contribution("request")), member.contributionIds());
      assertEquals(List.of(id(TaskVersions.random("cats", 1))), member.versionIds());
    }
    ClusterView.Member other = network.get("a").member().describe(false).members().get(1);
    assertEquals(1, other.contributions());
    assertEquals(List.of(), other.contributionIds());
  }

  @Test
  void describe_memberOfAnOlderVersion_saysNothingOfContributions() {
    byte[] answer = Wire.answer(Map.of("memberId", "old", "versionIds", List.of("id")));
    ClusterView.Member old = Wire.read(answer, ClusterView.Member.class);
    assertEquals(List.of("id"), old.versionIds());
    assertEquals(List.of(), old.contributionIds());
  }

  @Test
  void partition_bothSidesContribute_allCountOnceAfterHealing() throws Exception {
    network.startTogether("a", "b", "c");
    publish("a", "cats", 1);
    contribute("a", "before");
    network.group("a");
    network.group("b", "c");
    contribute("a", "left");
    contribute("a", "same");
    contribute("c", "right");
    contribute("b", "same"); // the same upload, sent to both sides
    network.get("b").member().withdraw("cats", contribution("before"));
    network.group("b", "c", "a");
    untilSame("a", "b", "c");
    FeatureStatistics sum = TaskVersions.random("cats", 1).statistics();
    for (String request : List.of("right", "same", "left")) {
      sum = sum.plus(Contributions.random("cats", 1, request).statistics());
    }
    for (String machine : List.of("a", "b", "c")) {
      assertEquals(sum, statistics(machine));
    }
  }

  @Test
  void contribution_madeDuringAnAbsence_isFetchedBeforeTheMemberIsReady() throws Exception {
    network.startTogether("a", "b", "c");
    publish("a", "cats", 1);
    network.get("b").kill();
    network.group("a", "c");
    contribute("c", "away");
    network.get("b").boot();
    network.group("a", "c", "b");
    network.get("b").member().start();
    untilSame("a", "b", "c");
    assertEquals(statistics("a"), statistics("b"));
    assertTrue(network.get("b").disk.versionIds().contains(contribution("away")));
  }
}
