package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.task.ClusterView;
import dev.perennial.server.task.Contributions;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.TaskVersions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Contributions of statistics, to a pool across members. */
@Timeout(180)
class ContributionPoolTest {
  @RegisterExtension
  final FakeNetwork network = new FakeNetwork(TestOptions.PATIENT, "a", "b", "c");

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
    network.startWithCats("a", "b", "c");
    FeatureStatistics sum = statistics("a");
    for (String machine : List.of("a", "b", "c")) {
      PoolSnapshot snapshot = contribute(machine, "request " + machine);
      sum = sum.plus(Contributions.random("cats", 1, "request " + machine).statistics());
      for (String other : List.of("a", "b", "c")) {
        assertEquals(snapshot.epoch(), network.get(other).pool().snapshot().epoch());
        assertEquals(sum, statistics(other));
        assertTrue(
            network.get(other).disk.versionIds().containsAll(network.onDisk(other).fileIds()));
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
    network.startWithCats("a", "b");
    contribute("b", "request");
    for (ClusterView.Member member : network.get("a").member().describe(true).members()) {
      assertEquals(1, member.contributions());
      assertEquals(List.of(contribution("request")), member.contributionIds());
      assertEquals(List.of(TaskVersions.id(TaskVersions.random("cats", 1))), member.versionIds());
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
    network.startWithCats("a", "b", "c");
    contribute("a", "before");
    network.group("a");
    network.group("b", "c");
    contribute("a", "left");
    contribute("a", "same");
    contribute("c", "right");
    contribute("b", "same"); // the same upload, sent to both sides
    network.get("b").member().withdraw("cats", contribution("before"));
    network.group("b", "c", "a");
    network.untilSame("a", "b", "c");
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
    network.startWithCats("a", "b", "c");
    network.get("b").kill();
    network.group("a", "c");
    contribute("c", "away");
    network.get("b").boot();
    network.group("a", "c", "b");
    network.get("b").member().start();
    network.untilSame("a", "b", "c");
    assertEquals(statistics("a"), statistics("b"));
    assertTrue(network.get("b").disk.versionIds().contains(contribution("away")));
  }
}
