package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.Requests;
import dev.perennial.server.StreamAnswers;
import dev.perennial.server.Teaching;
import dev.perennial.server.TestServer;
import dev.perennial.v1.Classification;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClusterServiceGrpc;
import dev.perennial.v1.Contribution;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.ExportTaskRequest;
import dev.perennial.v1.ExportTaskResponse;
import dev.perennial.v1.GetClusterRequest;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.ImportTaskRequest;
import dev.perennial.v1.ImportTaskResponse;
import dev.perennial.v1.LabelSet;
import dev.perennial.v1.Member;
import dev.perennial.v1.Task;
import dev.perennial.v1.TaskServiceGrpc;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import dev.perennial.v1.WatchPoolRequest;
import dev.perennial.v1.WatchPoolResponse;
import dev.perennial.v1.WithdrawContributionRequest;
import dev.perennial.v1.WithdrawContributionResponse;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Statistics-only training over real sockets: what it adds, that it merges, how it is undone. */
class ContributionIT {
  @TempDir Path directory;
  private TestServer server;

  @BeforeEach
  void start() {
    server = TestServer.start(directory.resolve("one"));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** Everything that was computed, floats and all, but the epoch. */
  private static List<Classification> answers(TestServer of) {
    List<Classification> all = new ArrayList<>();
    List<LabelSet> questions =
        List.of(
            Requests.labels("red", "green", "blue", "a cat"),
            Requests.task("colours"),
            Requests.allKnown());
    for (int i = 0; i < 9; i++) {
      all.add(Requests.answer(of.inferenceBlocking(), Teaching.image(i), questions.get(i % 3)));
    }
    return all;
  }

  private static TrainRequest spec(String task, String requestId) {
    TrainRequest.Builder request = Teaching.spec(task, requestId).toBuilder();
    request.getSpecBuilder().clearOptions().setStatisticsOnly(true);
    return request.build();
  }

  private static StreamAnswers<TrainRequest, TrainResponse> send(
      TestServer to, TrainRequest spec, List<Integer> examples) {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = to.training().train(answers);
    call.onNext(spec);
    examples.forEach(i -> call.onNext(Teaching.example(i)));
    call.onNext(Teaching.commit());
    return answers;
  }

  private static TrainingJob contribute(TestServer to, String requestId, List<Integer> examples) {
    TrainingJob job = Teaching.lastJob(send(to, spec("colours", requestId), examples));
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, job.getState(), job::toString);
    return job;
  }

  private static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  private Task task() {
    return server.tasks().getTask(GetTaskRequest.newBuilder().setName("colours").build()).getTask();
  }

  private WithdrawContributionResponse withdraw(String id) {
    return server
        .tasks()
        .withdrawContribution(
            WithdrawContributionRequest.newBuilder()
                .setName("colours")
                .setContributionId(id)
                .build());
  }

  /** Another server with the very version of this one. */
  private TestServer twin() {
    TestServer other = TestServer.start(directory.resolve("two"));
    Iterator<ExportTaskResponse> parts =
        server.tasks().exportTask(ExportTaskRequest.newBuilder().setName("colours").build());
    StreamAnswers<ImportTaskRequest, ImportTaskResponse> imported = StreamAnswers.eager();
    StreamObserver<ImportTaskRequest> call =
        TaskServiceGrpc.newStub(other.channel()).importTask(imported);
    parts.forEachRemaining(
        part ->
            call.onNext(
                part.hasHeader()
                    ? ImportTaskRequest.newBuilder().setHeader(part.getHeader()).build()
                    : ImportTaskRequest.newBuilder().setChunk(part.getChunk()).build()));
    call.onCompleted();
    imported.next();
    return other;
  }

  @Test
  void contribute_thenWithdraw_answersChangeAndAreBitForBitAsBefore() {
    Teaching.teach(server, "colours");
    List<Classification> before = answers(server);
    TrainingJob job = contribute(server, "more", range(24, 60));
    assertEquals("", job.getVersionId());
    assertEquals(36, job.getExamples());
    List<Classification> with = answers(server);
    assertNotEquals(before, with);
    Contribution contribution = task().getContributions(0);
    assertEquals(job.getContributionId(), contribution.getContributionId());
    assertEquals("more", contribution.getRequestId());
    assertEquals(job.getEpoch(), contribution.getEpoch());
    assertEquals(36, contribution.getExamples());
    assertEquals(
        Teaching.COLOURS,
        contribution.getClassesList().stream().map(c -> c.getClassName()).toList());
    assertEquals(12, contribution.getClasses(0).getExamples());
    assertTrue(contribution.getCounted());
    Member disk =
        ClusterServiceGrpc.newBlockingStub(server.channel())
            .getCluster(GetClusterRequest.newBuilder().setWithVersions(true).build())
            .getMembers(0);
    assertEquals(List.of(job.getContributionId()), disk.getContributionIdsList());
    assertEquals(1, disk.getContributions());
    WatchPoolResponse pool = server.tasks().watchPool(WatchPoolRequest.getDefaultInstance()).next();
    assertEquals(1, pool.getTasks(0).getContributions());
    server.close();
    server = TestServer.start(directory.resolve("one"));
    assertEquals(with, answers(server));
    WithdrawContributionResponse withdrawn = withdraw(job.getContributionId());
    assertEquals(0, withdrawn.getTask().getContributionsCount());
    assertTrue(withdrawn.getEpoch() > job.getEpoch());
    assertEquals(before, answers(server));
  }

  @Test
  void contribute_otherOrderAndSplitElsewhere_sameBits() {
    Teaching.teach(server, "colours");
    contribute(server, "whole", range(24, 70));
    List<Integer> order = new ArrayList<>(range(24, 70));
    Collections.shuffle(order, new Random(3));
    try (TestServer other = twin()) {
      int[] cuts = {0, 1, 20, 33, 46};
      for (int i = 1; i < cuts.length; i++) {
        contribute(other, "shard " + i, order.subList(cuts[i - 1], cuts[i]));
      }
      assertEquals(answers(server), answers(other));
    }
  }

  @Test
  void contribute_someClassesOnly_countsForThose() {
    Teaching.teach(server, "colours");
    List<Integer> red = range(24, 60).stream().filter(i -> i % 3 == 2).toList();
    contribute(server, "red", red);
    Contribution contribution = task().getContributions(0);
    assertEquals(1, contribution.getClassesCount());
    assertEquals("red", contribution.getClasses(0).getClassName());
    assertEquals(12, contribution.getClasses(0).getExamples());
  }

  @Test
  void contribute_sameRequestAgain_isTheSameJob() {
    Teaching.teach(server, "colours");
    TrainingJob job = contribute(server, "more", range(24, 30));
    TrainingJob again = contribute(server, "more", range(24, 30));
    assertEquals(job.getJobId(), again.getJobId());
    assertEquals(1, task().getContributionsCount());
  }

  @Test
  void deleteTask_withContributions_nothingOfThemIsLeft() {
    List<Classification> never = answersToLabels();
    Teaching.teach(server, "colours");
    contribute(server, "more", range(24, 40));
    server.tasks().deleteTask(DeleteTaskRequest.newBuilder().setName("colours").build());
    assertEquals(never, answersToLabels());
    Teaching.teach(server, "colours");
    assertEquals(0, task().getContributionsCount());
  }

  private List<Classification> answersToLabels() {
    LabelSet labels = Requests.labels("red", "green", "blue", "a cat");
    return IntStream.range(0, 4)
        .mapToObj(
            i ->
                server
                    .inferenceBlocking()
                    .classifyImage(
                        ClassifyImageRequest.newBuilder()
                            .setImage(Teaching.image(i))
                            .setLabelSet(labels)
                            .build())
                    .getClassification()
                    .toBuilder()
                    .clearEpoch()
                    .build())
        .toList();
  }

  @Test
  void contribute_badRequests_areNamedAndChangeNothing() {
    assertEquals("NOT_FOUND TASK_NOT_FOUND spec.task", refusal(spec("colours", "r"), range(0, 1)));
    Teaching.teach(server, "colours");
    TrainRequest.Builder unknown = spec("colours", "r").toBuilder();
    unknown.getSpecBuilder().addClassNames("red").addClassNames("purple");
    assertEquals(
        "INVALID_ARGUMENT UNKNOWN_CLASS spec.class_names[1]", refusal(unknown.build(), List.of()));
    assertEquals("INVALID_ARGUMENT NO_EXAMPLES example", refusal(spec("colours", "r"), List.of()));
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    call.onNext(spec("colours", "s"));
    call.onNext(Teaching.example(Teaching.image(0), "purple"));
    call.onNext(Teaching.example(24));
    call.onNext(Teaching.commit());
    TrainResponse first = answers.next();
    assertTrue(first.hasRejected(), first::toString);
    assertEquals(
        "INVALID_ARGUMENT UNKNOWN_LABEL example.label",
        Requests.failure(first.getRejected().getError()));
    assertEquals(1, Teaching.lastJob(answers).getExamples());
    assertEquals(1, task().getContributionsCount());
    assertEquals("NOT_FOUND CONTRIBUTION_NOT_FOUND", failure("0".repeat(64)));
    assertEquals("INVALID_ARGUMENT EMPTY_CONTRIBUTION_ID contribution_id", failure(""));
    assertFalse(task().getActiveVersionId().isEmpty());
  }

  private String refusal(TrainRequest spec, List<Integer> examples) {
    return Requests.failure(Objects.requireNonNull(send(server, spec, examples).end()));
  }

  private String failure(String contributionId) {
    return Requests.failure(
        Assertions.assertThrows(StatusRuntimeException.class, () -> withdraw(contributionId)));
  }
}
