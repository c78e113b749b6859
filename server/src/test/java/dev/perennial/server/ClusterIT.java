package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClassifyImageResponse;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.GetClusterRequest;
import dev.perennial.v1.ListTasksRequest;
import dev.perennial.v1.Member;
import dev.perennial.v1.MemberState;
import dev.perennial.v1.TrainingJob;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three members in JVMs of their own on the loopback interface, with real kills and real freezes.
 * Every test leaves the cluster whole; none needs another to have run. In the Maven profile {@code
 * cluster}: {@code mvn verify -Pcluster -Dit.test=ClusterIT}.
 */
@Tag("cluster")
@Timeout(400)
class ClusterIT {
  private static final float TOLERANCE = 1e-5f;

  @TempDir private static Path directory;

  private static LocalCluster cluster;

  @BeforeAll
  static void start() {
    cluster = LocalCluster.onLoopback(directory, "a", "b", "c");
    cluster.startAll();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @AfterEach
  void makeWhole() {
    cluster.makeWhole();
  }

  @Test
  void teach_atOneMember_allAnswerTheSameFromThatEpochOn() {
    TrainingJob job = cluster.get("a").teach("colours", 1);
    List<ClassifyImageResponse> answers =
        cluster.members().stream().map(member -> classify(member, "colours")).toList();
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
    List<Member> members = describe(cluster.get("b"));
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
  void kill9_memberAndCoordinatorDuringChanges_nothingAcknowledgedIsLost() throws Exception {
    try (ChangeLog changes = new ChangeLog(cluster)) {
      for (boolean coordinator : List.of(false, true)) {
        changes.awaitMore(2);
        MemberProcess victim = coordinator ? cluster.coordinator() : cluster.follower();
        victim.kill();
        changes.awaitMore(2);
        victim.start();
        changes.awaitMore(2);
      }
      changes.stop();
      cluster.awaitOneState();
      changes.check();
    }
  }

  @Test
  void diskEmptied_filledBeforeItServes() throws Exception {
    TrainingJob job = cluster.get("b").teach("kept", 5);
    MemberProcess victim = cluster.follower();
    victim.kill();
    wipe(victim.data());
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
    TrainingJob job = cluster.get("c").teach("all", 7);
    cluster.members().forEach(MemberProcess::kill);
    cluster.startAll();
    cluster.awaitOneState();
    for (MemberProcess member : cluster.members()) {
      assertTrue(epoch(member) >= job.getEpoch());
      assertTrue(taskNames(member).contains("all"));
      cluster.checkVersionFiles(member);
    }
  }

  @Test
  void frozenCoordinator_returns_noStaleWriteIsAccepted() throws Exception {
    MemberProcess frozen = cluster.coordinator();
    String first = frozen.teach("frozen", 11).getVersionId();
    frozen.freeze();
    MemberProcess other = cluster.others(frozen).get(0);
    TrainingJob later;
    try {
      later = cluster.teachUntilAccepted(other, "frozen", 12);
    } finally {
      frozen.thaw();
    }
    // Whatever it still believes, it cannot put the old version back unseen.
    String refusedOrSeen = cluster.tryActivate(frozen, "frozen", first);
    cluster.awaitOneState();
    for (MemberProcess member : cluster.members()) {
      assertTrue(epoch(member) >= later.getEpoch());
      assertEquals(
          refusedOrSeen.isEmpty() ? first : later.getVersionId(), cluster.active(member, "frozen"));
      assertEquals(Set.of(first, later.getVersionId()), cluster.versions(member, "frozen"));
    }
  }

  @Test
  void otherBackbone_refusedWithBothFingerprints() throws Exception {
    try (MemberProcess stranger = cluster.stranger("stranger")) {
      stranger.launch(TinyModel.write(directory.resolve("other-model"), 8));
      assertEquals(1, stranger.awaitEnd());
      String said = stranger.said();
      String ours = cluster.fingerprint();
      assertTrue(said.contains("join refused, backbone fingerprint: "), said);
      assertTrue(said.contains("expected: " + ours), said);
    }
    assertEquals(3, describe(cluster.get("a")).size());
  }

  private static ClassifyImageResponse classify(MemberProcess member, String task) {
    return member
        .inference()
        .classifyImage(
            ClassifyImageRequest.newBuilder()
                .setImage(Teaching.image(1))
                .setLabelSet(Requests.task(task))
                .build());
  }

  private static List<Member> describe(MemberProcess member) {
    return member
        .cluster()
        .getCluster(GetClusterRequest.newBuilder().setWithVersions(true).build())
        .getMembersList();
  }

  private static long epoch(MemberProcess member) throws StatusRuntimeException {
    return member.tasks().listTasks(ListTasksRequest.getDefaultInstance()).getEpoch();
  }

  private static Set<String> taskNames(MemberProcess member) {
    return member.tasks().listTasks(ListTasksRequest.getDefaultInstance()).getTasksList().stream()
        .map(task -> task.getName())
        .collect(Collectors.toSet());
  }

  private static void wipe(Path data) throws IOException {
    try (Stream<Path> files = Files.walk(data, new FileVisitOption[0])) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
