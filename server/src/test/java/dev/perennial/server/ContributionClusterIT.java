package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.chaos.LocalCluster;
import dev.perennial.server.chaos.MemberProcess;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import dev.perennial.server.world.MiniMtilTask.Split;
import dev.perennial.server.world.PngImages;
import dev.perennial.v1.Classification;
import dev.perennial.v1.Contribution;
import dev.perennial.v1.ExportTaskRequest;
import dev.perennial.v1.ExportTaskResponse;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.ImportTaskRequest;
import dev.perennial.v1.ImportTaskResponse;
import dev.perennial.v1.LabelSet;
import dev.perennial.v1.Task;
import dev.perennial.v1.TaskServiceGrpc;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import dev.perennial.v1.TrainingServiceGrpc;
import dev.perennial.v1.WithdrawContributionRequest;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Statistics from three members in JVMs of their own against those of one server, with the built-in
 * model and real pictures: 200 contributed examples of 128 numbers, enough that a single one that
 * was rounded differently would be seen.
 */
@Tag("cluster")
@Timeout(400)
class ContributionClusterIT {
  private static final MiniMtilTask TASK = MiniMtil.task("digits");
  private static final int CLASSES = TASK.classNames().size();
  private static final int TAUGHT = 4 * CLASSES;
  private static final List<LabelledImage> PICTURES = TASK.images(Split.TRAIN, 24, 11);
  private static final List<LabelledImage> QUESTIONS = TASK.images(Split.TEST, 1, 11);

  @TempDir private static Path directory;

  private static LocalCluster cluster(String name, String... members) {
    LocalCluster cluster =
        LocalCluster.onLoopback(
            directory.resolve(name), TestClusters.settings(null), List.of(members));
    cluster.startAll();
    return cluster;
  }

  private static StreamAnswers<TrainRequest, TrainResponse> upload(
      MemberProcess to, TrainRequest spec, List<LabelledImage> examples) {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call =
        TrainingServiceGrpc.newStub(to.channel())
            .withDeadlineAfter(120, TimeUnit.SECONDS)
            .train(answers);
    call.onNext(spec);
    for (LabelledImage example : examples) {
      call.onNext(
          Teaching.example(
              TestImages.encoded(PngImages.encode(example.image())),
              TASK.classNames().get(example.classIndex())));
    }
    call.onNext(Teaching.commit());
    return answers;
  }

  private static void succeeded(StreamAnswers<TrainRequest, TrainResponse> answers) {
    TrainingJob job = Teaching.lastJob(answers);
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, job.getState(), job::toString);
  }

  private static TrainRequest statistics(String requestId) {
    TrainRequest.Builder request = Teaching.spec(TASK.name(), requestId).toBuilder();
    request.getSpecBuilder().clearOptions().setStatisticsOnly(true);
    return request.build();
  }

  /** Everything that was computed, floats and all, but the epoch. */
  private static List<Classification> answers(MemberProcess member) {
    LabelSet withOther =
        Requests.labels(Stream.concat(TASK.classNames().stream(), Stream.of("a cat")).toList());
    List<Classification> all = new ArrayList<>();
    for (LabelledImage question : QUESTIONS) {
      for (LabelSet labels : List.of(Requests.allKnown(), withOther)) {
        all.add(
            Requests.answer(
                member.inference(),
                TestImages.encoded(PngImages.encode(question.image())),
                labels));
      }
    }
    return all;
  }

  private static void copyTask(MemberProcess from, MemberProcess to) {
    Iterator<ExportTaskResponse> parts =
        from.tasks().exportTask(ExportTaskRequest.newBuilder().setName(TASK.name()).build());
    StreamAnswers<ImportTaskRequest, ImportTaskResponse> imported = StreamAnswers.eager();
    StreamObserver<ImportTaskRequest> call =
        TaskServiceGrpc.newStub(to.channel()).importTask(imported);
    parts.forEachRemaining(
        part ->
            call.onNext(
                part.hasHeader()
                    ? ImportTaskRequest.newBuilder().setHeader(part.getHeader()).build()
                    : ImportTaskRequest.newBuilder().setChunk(part.getChunk()).build()));
    call.onCompleted();
    imported.next();
  }

  private static Task task(MemberProcess member) {
    return member
        .tasks()
        .getTask(GetTaskRequest.newBuilder().setName(TASK.name()).build())
        .getTask();
  }

  /** The pictures that were not taught, in an order, cut at these places. */
  private static List<List<LabelledImage>> shards(long seed, int... cuts) {
    List<LabelledImage> rest = new ArrayList<>(PICTURES.subList(TAUGHT, PICTURES.size()));
    Collections.shuffle(rest, new Random(seed));
    return IntStream.range(1, cuts.length)
        .mapToObj(i -> rest.subList(cuts[i - 1], cuts[i]))
        .toList();
  }

  @Test
  void shuffledShardsAtThreeMembers_everyAnswerAsOfOneServer_toTheBit() {
    try (LocalCluster three = cluster("three", "a", "b", "c");
        LocalCluster alone = cluster("alone", "lone")) {
      List<MemberProcess> members = List.copyOf(three.members());
      MemberProcess lone = alone.get("lone");
      succeeded(
          upload(members.get(0), Teaching.spec(TASK.name(), ""), PICTURES.subList(0, TAUGHT)));
      copyTask(members.get(0), lone);
      List<Classification> before = answers(lone);
      three.awaitOneState();
      members.forEach(member -> assertEquals(before, answers(member)));

      // All at once, two or three at each member; the one server gets most pictures one by one.
      List<StreamAnswers<TrainRequest, TrainResponse>> running = new ArrayList<>();
      for (List<LabelledImage> shard : shards(1, 0, 1, 40, 77, 78, 120, 163, 200)) {
        int at = running.size();
        running.add(upload(members.get(at % 3), statistics("shard " + at), shard));
      }
      running.forEach(ContributionClusterIT::succeeded);
      three.awaitOneState();
      int next = 0;
      int[] singles = IntStream.rangeClosed(0, 150).toArray();
      singles[150] = 200; // 149 uploads of one picture, then one of 51
      for (List<LabelledImage> shard : shards(2, singles)) {
        succeeded(upload(lone, statistics("single " + next++), shard));
      }
      List<Classification> with = answers(lone);
      assertNotEquals(before, with);
      for (MemberProcess member : members) {
        assertEquals(7, task(member).getContributionsCount());
        assertTrue(task(member).getContributionsList().stream().allMatch(Contribution::getCounted));
        assertEquals(with, answers(member));
      }

      // One member comes back from its disk; then all is withdrawn, at whichever member.
      members.get(1).kill();
      members.get(1).start();
      assertEquals(with, answers(members.get(1)));
      for (Contribution contribution : task(members.get(0)).getContributionsList()) {
        var unused =
            members
                .get(next++ % 3)
                .tasks()
                .withdrawContribution(
                    WithdrawContributionRequest.newBuilder()
                        .setName(TASK.name())
                        .setContributionId(contribution.getContributionId())
                        .build());
      }
      three.awaitOneState();
      members.forEach(member -> assertEquals(before, answers(member)));
    }
  }
}
