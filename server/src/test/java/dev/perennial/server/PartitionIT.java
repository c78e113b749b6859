package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.chaos.LocalCluster;
import dev.perennial.server.chaos.MemberProcess;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.Task;
import dev.perennial.v1.TaskVersion;
import dev.perennial.v1.TrainingJob;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three members in network namespaces of their own; one's cable is pulled for half a minute, both
 * sides go on learning, and the cable is put back. Needs root, and so has a Maven profile of its
 * own: {@code mvn verify -Ppartition -Dit.test=PartitionIT}.
 */
@Tag("partition")
@Timeout(600)
class PartitionIT {
  private static final long CUT_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final String SHARED = "shared";

  @TempDir private Path directory;

  /** Per task the versions that were acknowledged, on either side. */
  private final Map<String, Set<String>> acknowledged = new HashMap<>();

  private long highestEpoch;

  @Test
  void cableIsPulled_bothSidesLearn_theUnionHoldsAfterwards() throws Exception {
    LocalCluster.Settings settings =
        TestClusters.settings(TinyModel.write(directory.resolve("model")));
    try (Namespaces namespaces = new Namespaces(3);
        LocalCluster cluster = LocalCluster.inNamespaces(directory, settings, namespaces.seats())) {
      cluster.startAll();
      List<MemberProcess> members = cluster.members();
      acknowledge(Teaching.teach(members.get(0), "before", 1));
      cluster.awaitOneState();
      namespaces.cut(3);
      long cut = System.nanoTime();
      CompletableFuture<List<TrainingJob>> alone =
          CompletableFuture.supplyAsync(() -> learn(cut, members.subList(2, 3), "alone", 100));
      List<TrainingJob> together = learn(cut, members.subList(0, 2), "together", 200);
      together.forEach(this::acknowledge);
      alone.join().forEach(this::acknowledge);
      assertNotEquals(
          cluster.active(members.get(0), SHARED), cluster.active(members.get(2), SHARED));
      assertEquals(2, cluster.describe(members.get(0)).size());
      assertEquals(1, cluster.describe(members.get(2)).size());
      namespaces.heal(3);
      cluster.awaitOneState();
      for (MemberProcess member : members) {
        checkUnion(cluster, member);
      }
      assertTrue(
          cluster.describe(members.get(0)).stream().mapToLong(one -> one.getMerges()).sum() > 0);
    }
  }

  /** Teaches the shared task, then others of the side's own, until the time is up. */
  private static List<TrainingJob> learn(
      long cut, List<MemberProcess> side, String own, long firstSeed) {
    List<TrainingJob> learnt = new ArrayList<>();
    AssertionError last = new AssertionError("not tried");
    for (int i = 0; System.nanoTime() - cut < CUT_NANOS; i++) {
      String task = learnt.isEmpty() ? SHARED : own + "-" + learnt.size();
      try {
        learnt.add(Teaching.teach(side.get(i % side.size()), task, firstSeed + i));
      } catch (AssertionError e) {
        last = e; // nobody can decide before the other side is given up
      }
    }
    if (learnt.size() < 2) {
      throw last;
    }
    return learnt;
  }

  private void acknowledge(TrainingJob job) {
    acknowledged.computeIfAbsent(job.getTask(), task -> new HashSet<>()).add(job.getVersionId());
    highestEpoch = Math.max(highestEpoch, job.getEpoch());
  }

  /** Nothing that either side has acknowledged is dropped, and all agree on what is active. */
  private void checkUnion(LocalCluster cluster, MemberProcess member) {
    assertTrue(ClusterIT.epoch(member) > highestEpoch);
    assertEquals(acknowledged.keySet(), ClusterIT.taskNames(member));
    acknowledged.forEach(
        (task, versions) -> assertEquals(versions, cluster.versions(member, task), task));
    assertEquals(2, cluster.versions(member, SHARED).size());
    Task shared =
        member.tasks().getTask(GetTaskRequest.newBuilder().setName(SHARED).build()).getTask();
    TaskVersion winner =
        shared.getVersionsList().stream()
            .max(
                Comparator.comparing(TaskVersion::getActivatedEpoch)
                    .thenComparing(TaskVersion::getVersionId))
            .orElseThrow();
    assertEquals(winner.getVersionId(), shared.getActiveVersionId());
    ClusterIT.checkVersionFiles(member);
  }
}
