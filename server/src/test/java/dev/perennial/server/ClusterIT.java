package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.chaos.MemberProcess;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.v1.ActivateTaskVersionRequest;
import dev.perennial.v1.ClassifyImageResponse;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.ListTasksRequest;
import dev.perennial.v1.Member;
import dev.perennial.v1.MemberState;
import dev.perennial.v1.TrainingJob;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Three members in JVMs of their own on the loopback interface, with real kills and real freezes;
 * {@link dev.perennial.server.chaos.ChaosIT} kills them at random moments under changes. Every test
 * leaves the cluster whole; none needs another to have run. In the Maven profile {@code cluster}:
 * {@code mvn verify -Pcluster -Dit.test=ClusterIT}.
 */
@Tag("cluster")
@Timeout(400)
class ClusterIT extends ThreeMembers {
  private static final float TOLERANCE = 1e-5f;
  private static final long FROZEN_NANOS = TimeUnit.SECONDS.toNanos(20);

  @AfterEach
  void makeWhole() {
    cluster.makeWhole();
    cluster.awaitOneState();
  }

  @Test
  void teach_atOneMember_allAnswerTheSameFromThatEpochOn() {
    TrainingJob job = Teaching.teach(cluster.get("a"), "colours", 1);
    List<ClassifyImageResponse> answers =
        cluster.members().stream().map(member -> Teaching.classify(member, "colours")).toList();
    for (ClassifyImageResponse answer : answers) {
      assertEquals(job.getEpoch(), answer.getClassification().getEpoch());
      for (int i = 0; i < Teaching.COLOURS.size(); i++) {
        assertEquals(
            answers.get(0).getClassification().getScores(i).getLabel(),
            answer.getClassification().getScores(i).getLabel());
        assertEquals(
            answers.get(0).getClassification().getScores(i).getProbability(),
            answer.getClassification().getScores(i).getProbability(),
            TOLERANCE);
      }
    }
    List<Member> members = cluster.describe(cluster.get("b"));
    assertEquals(List.of("a", "b", "c"), members.stream().map(Member::getName).sorted().toList());
    assertEquals(1, members.stream().filter(Member::getCoordinator).count());
    assertEquals(1, members.stream().map(Member::getDigest).distinct().count());
    for (Member member : members) {
      assertEquals(MemberState.MEMBER_STATE_READY, member.getState());
      assertEquals(job.getEpoch(), member.getEpoch());
      assertTrue(member.getVersionIdsList().contains(job.getVersionId()));
      assertEquals(job.getEpoch(), member.getDevices(0).getEpoch());
    }
    assertEquals(
        job.getEpoch() + 1,
        cluster
            .get("c")
            .tasks()
            .deleteTask(DeleteTaskRequest.newBuilder().setName("colours").build())
            .getEpoch());
    assertFalse(taskNames(cluster.get("b")).contains("colours"));
  }

  @Test
  void diskEmptied_filledBeforeItServes() throws Exception {
    TrainingJob job = Teaching.teach(cluster.get("b"), "kept", 5);
    MemberProcess victim = cluster.follower();
    victim.kill();
    victim.wipe();
    victim.start();
    assertEquals(job.getEpoch(), epoch(victim));
    assertTrue(taskNames(victim).contains("kept"));
    assertTrue(
        Files.exists(
            victim.data().resolve("tasks/versions/" + job.getVersionId() + ".safetensors")));
    assertEquals(ServingStatus.SERVING, victim.health());
  }

  @Test
  void allKilledAtOnce_everythingIsBack() throws Exception {
    TrainingJob job = Teaching.teach(cluster.get("c"), "all", 7);
    cluster.members().forEach(MemberProcess::kill);
    cluster.startAll();
    cluster.awaitOneState();
    for (MemberProcess member : cluster.members()) {
      assertTrue(epoch(member) >= job.getEpoch());
      assertTrue(taskNames(member).contains("all"));
      checkVersionFiles(member);
    }
  }

  /**
   * The member that decides stands still for 20 s in the middle of its changes, while the others
   * elect another and go on. When it returns, it still believes that it decides.
   */
  @Test
  void frozenCoordinator_returns_noStaleWriteIsAccepted() throws Exception {
    MemberProcess frozen = cluster.coordinator();
    String first = Teaching.teach(frozen, "frozen", 11).getVersionId();
    String second = Teaching.teach(frozen, "frozen", 13).getVersionId();
    AtomicBoolean stopped = new AtomicBoolean();
    CompletableFuture<Void> inFlight =
        CompletableFuture.runAsync(
            () -> {
              while (!stopped.get()) {
                String unused = tryActivate(frozen, "frozen", first);
                unused = tryActivate(frozen, "frozen", second);
              }
            });
    long epochBefore = epoch(frozen);
    until(() -> epoch(frozen) > epochBefore + 2);
    frozen.freeze();
    long since = System.nanoTime();
    MemberProcess other = cluster.others(frozen).get(0);
    TrainingJob later;
    try {
      later = teachUntilAccepted(other, "frozen", 12);
      until(() -> System.nanoTime() - since > FROZEN_NANOS);
      stopped.set(true);
    } finally {
      frozen.thaw();
    }
    String refused = tryActivate(frozen, "frozen", first);
    inFlight.join();
    assertTrue(refused.contains("STOOD_STILL"), refused);
    cluster.awaitOneState();
    for (MemberProcess member : cluster.members()) {
      assertTrue(epoch(member) >= later.getEpoch());
      assertEquals(Set.of(first, second, later.getVersionId()), cluster.versions(member, "frozen"));
      assertEquals(later.getVersionId(), cluster.active(member, "frozen"));
    }
    assertTrue(
        cluster.describe(other).stream()
            .anyMatch(one -> one.getName().equals(frozen.name()) && one.getRejectedWrites() > 0));
  }

  /** The others still count it as one of them, and go on: two disks are enough. */
  @Test
  void frozenFollower_changesGoOnBeforeItIsRemovedAndItCatchesUp() throws Exception {
    MemberProcess frozen = cluster.follower();
    MemberProcess other = cluster.others(frozen).get(0);
    String first = Teaching.teach(other, "followed", 21).getVersionId();
    String second = Teaching.teach(other, "followed", 22).getVersionId();
    int changesWhileItWasThere = 0;
    for (int freeze = 0; freeze < 5 && changesWhileItWasThere < 2; freeze++) {
      frozen.freeze();
      try {
        changesWhileItWasThere = changesBeforeRemoval(other, "followed", first, second);
      } finally {
        frozen.thaw();
      }
      cluster.awaitOneState();
    }
    assertTrue(changesWhileItWasThere >= 2, "changes: " + changesWhileItWasThere);
    assertEquals(cluster.active(other, "followed"), cluster.active(frozen, "followed"));
  }

  /** Rolls back and forth until somebody is removed; returns how often that was answered before. */
  private static int changesBeforeRemoval(
      MemberProcess member, String task, String first, String second) {
    int changes = 0;
    while (true) {
      String refused = tryActivate(member, task, changes % 2 == 0 ? first : second);
      if (cluster.describe(member).size() < 3 || changes == 10) {
        return changes;
      }
      changes += refused.isEmpty() ? 1 : 0;
    }
  }

  @Test
  void otherBackbone_refusedWithBothFingerprints() throws Exception {
    try (MemberProcess stranger =
        cluster.stranger(
            "stranger",
            TestClusters.settings(TinyModel.write(directory.resolve("other-model"), 8)))) {
      stranger.launch();
      assertEquals(1, stranger.awaitEnd());
      String said = stranger.said();
      String ours = ModelDirectory.open(directory.resolve("model")).fingerprint();
      assertTrue(said.contains("join refused, backbone fingerprint: "), said);
      assertTrue(said.contains("expected: " + ours), said);
    }
    assertEquals(3, cluster.describe(cluster.get("a")).size());
  }

  static long epoch(MemberProcess member) throws StatusRuntimeException {
    return member.tasks().listTasks(ListTasksRequest.getDefaultInstance()).getEpoch();
  }

  static Set<String> taskNames(MemberProcess member) {
    return member
        .tasks()
        .listTasks(ListTasksRequest.newBuilder().setPageSize(1_000).build())
        .getTasksList()
        .stream()
        .map(task -> task.getName())
        .collect(Collectors.toSet());
  }

  private static void until(BooleanSupplier condition) throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    while (!condition.getAsBoolean()) { // the test's own timeout ends it
      assertFalse(never.await(20, TimeUnit.MILLISECONDS));
    }
  }

  /** Teaches, again and again while nobody can decide. */
  private static TrainingJob teachUntilAccepted(MemberProcess member, String task, long seed) {
    AssertionError last = new AssertionError("not tried");
    for (int i = 0; i < 5; i++) {
      try {
        return Teaching.teach(member, task, seed);
      } catch (AssertionError e) {
        last = e;
      }
    }
    throw last;
  }

  /** Rolls back at that member; returns why not, or nothing. */
  private static String tryActivate(MemberProcess member, String task, String versionId) {
    try {
      member
          .tasks()
          .activateTaskVersion(
              ActivateTaskVersionRequest.newBuilder()
                  .setName(task)
                  .setVersionId(versionId)
                  .build());
      return "";
    } catch (StatusRuntimeException e) {
      assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode(), e.toString());
      return String.valueOf(e.getStatus().getDescription());
    }
  }

  /** Every version on a member's disk has the bytes that its name says. */
  static void checkVersionFiles(MemberProcess member) {
    try (Stream<Path> files = Files.list(member.data().resolve("tasks/versions"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".safetensors")).toList()) {
        String id = file.getFileName().toString().replace(".safetensors", "");
        assertEquals(id, TaskVersionFile.versionId(Files.readAllBytes(file)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
