package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.Requests;
import dev.perennial.server.StreamAnswers;
import dev.perennial.server.Teaching;
import dev.perennial.server.TestServer;
import dev.perennial.v1.ActivateTaskVersionRequest;
import dev.perennial.v1.ActivateTaskVersionResponse;
import dev.perennial.v1.Classification;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.ExplicitLabels;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.LabelSet;
import dev.perennial.v1.ListTasksRequest;
import dev.perennial.v1.ListTasksResponse;
import dev.perennial.v1.Scoring;
import dev.perennial.v1.Task;
import dev.perennial.v1.TaskServiceGrpc;
import dev.perennial.v1.TaskVersion;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.WatchPoolRequest;
import dev.perennial.v1.WatchPoolResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The task service over real sockets, and what a restart keeps. */
class TaskIT {
  @TempDir Path directory;
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start(directory);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private Classification ask(int image, LabelSet labels) {
    return server
        .inferenceBlocking()
        .classifyImage(
            ClassifyImageRequest.newBuilder()
                .setImage(Teaching.image(image))
                .setLabelSet(labels)
                .build())
        .getClassification();
  }

  private List<Classification> askAll() {
    List<Classification> all = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      all.add(ask(i, Requests.labels("red", "green", "blue", "a cat")));
    }
    return all;
  }

  /** What was computed, without the epoch, which counts on. */
  private static List<Classification> values(List<Classification> answers) {
    return answers.stream().map(answer -> answer.toBuilder().clearEpoch().build()).toList();
  }

  private Task task(String name) {
    return server.tasks().getTask(GetTaskRequest.newBuilder().setName(name).build()).getTask();
  }

  private static Status.Code codeOf(org.junit.jupiter.api.function.Executable call) {
    return assertThrows(StatusRuntimeException.class, call).getStatus().getCode();
  }

  @Test
  void deleteTask_afterTeaching_everyAnswerIsBitForBitAsBefore() {
    List<Classification> before = askAll();
    TrainingJob job = Teaching.teach(server, "colours");
    List<Classification> taught = askAll();
    assertNotEquals(values(before), values(taught));
    assertEquals("colours", taught.get(0).getRouting().getTask());
    assertEquals(job.getVersionId(), taught.get(0).getRouting().getVersionId());
    assertTrue(taught.get(0).getEpoch() >= job.getEpoch());
    long epoch =
        server
            .tasks()
            .deleteTask(DeleteTaskRequest.newBuilder().setName("colours").build())
            .getEpoch();
    assertTrue(epoch > job.getEpoch());
    List<Classification> after = askAll();
    assertEquals(values(before), values(after));
    after.forEach(answer -> assertEquals(epoch, answer.getEpoch()));
    assertEquals(Status.Code.NOT_FOUND, codeOf(() -> task("colours")));
  }

  @Test
  void restart_afterTeaching_servesTheSameAnswers() {
    Teaching.teach(server, "colours");
    Teaching.teach(server, "others");
    List<Classification> before = askAll();
    ListTasksResponse tasks = server.tasks().listTasks(ListTasksRequest.getDefaultInstance());
    server.close();
    server = TestServer.start(directory);
    assertEquals(before, askAll());
    assertEquals(tasks, server.tasks().listTasks(ListTasksRequest.getDefaultInstance()));
  }

  @Test
  void classify_taskAndAllKnown_useTheClassesThatWereTaught() {
    Teaching.teach(server, "colours");
    Classification ofTask = ask(0, Requests.task("colours"));
    Classification ofAll = ask(0, Requests.allKnown());
    for (Classification answer : List.of(ofTask, ofAll)) {
      assertEquals(
          Teaching.COLOURS,
          answer.getScoresList().stream().map(score -> score.getLabel()).sorted().toList());
      assertEquals(
          1,
          answer.getScoresList().stream().mapToDouble(score -> score.getProbability()).sum(),
          1e-5);
      assertEquals("colours", answer.getUnionEvidence().getTasks(0).getTask());
    }
  }

  @Test
  void classify_extraLabelsAndScoring_asAskedFor() {
    Teaching.teach(server, "colours");
    LabelSet.Builder labels = Requests.allKnown().toBuilder();
    labels.getAllKnownBuilder().addExtra(ExplicitLabels.newBuilder().addLabels("zebra"));
    Classification union = ask(0, labels.build());
    List<String> expected = new ArrayList<>(Teaching.COLOURS);
    expected.add("zebra");
    assertEquals(
        expected, union.getScoresList().stream().map(score -> score.getLabel()).sorted().toList());
    assertTrue(union.hasUnionEvidence());
    ClassifyImageRequest diki =
        ClassifyImageRequest.newBuilder()
            .setImage(Teaching.image(0))
            .setLabelSet(labels)
            .setScoring(Scoring.SCORING_DIKI)
            .build();
    assertFalse(
        server.inferenceBlocking().classifyImage(diki).getClassification().hasUnionEvidence());
    StatusRuntimeException e =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                server
                    .inferenceBlocking()
                    .classifyImage(diki.toBuilder().setUnlearntBias(Float.NaN).build()));
    assertEquals(Status.Code.INVALID_ARGUMENT, e.getStatus().getCode());
  }

  @Test
  void getTask_afterTeaching_tellsHowItWasTaught() {
    TrainingJob job = Teaching.teach(server, "colours");
    Task task = task("colours");
    assertEquals(job.getVersionId(), task.getActiveVersionId());
    TaskVersion version = task.getVersions(0);
    assertEquals(job.getVersionId(), version.getVersionId());
    assertEquals(Teaching.COLOURS, version.getClassNamesList());
    assertEquals("a photo of a {}", version.getTemplate());
    assertEquals(2, version.getOptions().getDepth());
    assertEquals(2, version.getOptions().getPrefixLength());
    assertEquals(8, version.getOptions().getBatchSize());
    assertEquals(3, version.getOptions().getSeed());
    assertEquals(24, version.getExamples());
    // 2 towers x 2 layers x (key and value) x 2 rows x width 32
    assertEquals(2 * 2 * 2 * 2 * 32, version.getParameters());
    assertEquals(64, version.getBackboneFingerprint().length());
    assertTrue(version.hasCreateTime());
  }

  @Test
  void activateTaskVersion_backAndForth_switchesTheAnswers() {
    TrainingJob first = Teaching.teach(server, "colours");
    List<Classification> firstAnswers = askAll();
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    TrainRequest.Builder spec = Teaching.spec("colours", "").toBuilder();
    spec.getSpecBuilder().getOptionsBuilder().setSeed(99).setLearningRate(3f);
    call.onNext(spec.build());
    for (int i = 0; i < 30; i++) {
      call.onNext(Teaching.example(i));
    }
    call.onNext(Teaching.commit());
    TrainingJob second = Teaching.lastJob(answers);
    List<Classification> secondAnswers = askAll();
    assertNotEquals(values(firstAnswers), values(secondAnswers));
    assertEquals(2, task("colours").getVersionsCount());
    ActivateTaskVersionResponse back = activate("colours", first.getVersionId());
    assertEquals(first.getVersionId(), back.getTask().getActiveVersionId());
    assertEquals(values(firstAnswers), values(askAll()));
    activate("colours", second.getVersionId());
    assertEquals(values(secondAnswers), values(askAll()));
    assertEquals(Status.Code.NOT_FOUND, codeOf(() -> activate("colours", "0".repeat(64))));
  }

  private ActivateTaskVersionResponse activate(String name, String versionId) {
    return server
        .tasks()
        .activateTaskVersion(
            ActivateTaskVersionRequest.newBuilder().setName(name).setVersionId(versionId).build());
  }

  @Test
  void listTasks_pages_showEveryTaskInOrder() {
    for (String name : List.of("b", "c", "a")) {
      Teaching.teach(server, name);
    }
    List<String> seen = new ArrayList<>();
    String token = "";
    do {
      ListTasksResponse page =
          server
              .tasks()
              .listTasks(ListTasksRequest.newBuilder().setPageSize(2).setPageToken(token).build());
      page.getTasksList().forEach(task -> seen.add(task.getName()));
      token = page.getNextPageToken();
    } while (!token.isEmpty());
    assertEquals(List.of("a", "b", "c"), seen);
    assertEquals(
        Status.Code.INVALID_ARGUMENT,
        codeOf(
            () ->
                server.tasks().listTasks(ListTasksRequest.newBuilder().setPageToken("%").build())));
  }

  @Test
  void watchPool_changes_areToldInOrder() {
    StreamAnswers<WatchPoolRequest, WatchPoolResponse> watch = StreamAnswers.eager();
    TaskServiceGrpc.newStub(server.channel())
        .watchPool(WatchPoolRequest.getDefaultInstance(), watch);
    WatchPoolResponse empty = watch.next();
    assertEquals(0, empty.getTasksCount());
    TrainingJob job = Teaching.teach(server, "colours");
    WatchPoolResponse taught = watch.next();
    assertEquals(job.getEpoch(), taught.getEpoch());
    assertEquals("colours", taught.getTasks(0).getName());
    assertEquals(job.getVersionId(), taught.getTasks(0).getVersionId());
    server.tasks().deleteTask(DeleteTaskRequest.newBuilder().setName("colours").build());
    WatchPoolResponse deleted = watch.next();
    assertEquals(0, deleted.getTasksCount());
    assertTrue(deleted.getEpoch() > taught.getEpoch());
    watch.cancel();
  }

  @Test
  void taskCalls_unknownOrEmptyName_areRefused() {
    assertEquals(Status.Code.NOT_FOUND, codeOf(() -> task("nobody")));
    assertEquals(Status.Code.INVALID_ARGUMENT, codeOf(() -> task("")));
    assertEquals(
        Status.Code.NOT_FOUND,
        codeOf(
            () ->
                server
                    .tasks()
                    .deleteTask(DeleteTaskRequest.newBuilder().setName("nobody").build())));
    assertEquals(Status.Code.INVALID_ARGUMENT, codeOf(() -> activate("x", "")));
  }
}
