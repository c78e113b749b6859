package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.chaos.MemberProcess;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.v1.GetTrainingJobRequest;
import dev.perennial.v1.ListTrainingJobsRequest;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import dev.perennial.v1.TrainingServiceGrpc;
import dev.perennial.v1.WatchTrainingJobRequest;
import dev.perennial.v1.WatchTrainingJobResponse;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Uploads and jobs that outlive their member, in three JVMs with real kills. In the Maven profile
 * {@code cluster}: {@code mvn verify -Pcluster -Dit.test=JobsIT}.
 */
@Tag("cluster")
@Timeout(400)
class JobsIT extends ThreeMembers {
  private static final int EXAMPLES = 48;

  @AfterEach
  void makeWhole() {
    cluster.makeWhole();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void kill9_ownerInMidTraining_endsElsewhereWithTheSameBits(boolean coordinator)
      throws IOException {
    String task = coordinator ? "killed-coordinator" : "killed-follower";
    MemberProcess owner = coordinator ? cluster.coordinator() : cluster.follower();
    TrainingJob job = commit(owner, task, "killed " + coordinator);
    MemberProcess watching = cluster.others(owner).get(1);
    Iterator<WatchTrainingJobResponse> watch = watch(watching, job.getJobId());
    awaitEpoch(watch, 3);
    owner.kill();
    TrainingJob last = last(watch);
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, last.getState(), last::toString);
    MemberProcess undisturbed = cluster.others(owner).get(0);
    TrainingJob again = last(watch(undisturbed, commit(undisturbed, task, "").getJobId()));
    assertEquals(
        again.getVersionId(), atTheTimeOf(undisturbed, last.getVersionId(), again.getVersionId()));
    owner.start();
    cluster.awaitOneState();
    assertEquals(last.getVersionId(), job(owner, job.getJobId()).getVersionId());
  }

  @Test
  void kill9_ownerDuringTheUpload_resumedElsewhereWithoutSendingAgain() {
    MemberProcess owner = cluster.follower();
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = TrainingServiceGrpc.newStub(owner.channel()).train(answers);
    call.onNext(Teaching.spec("upload", "killed upload"));
    for (int i = 0; i < 20; i++) {
      call.onNext(Teaching.example(i));
    }
    long acknowledged = 0;
    while (acknowledged < 20) {
      acknowledged = answers.next().getSpooled().getExamples();
    }
    owner.kill();
    MemberProcess other = cluster.others(owner).get(1);
    StreamAnswers<TrainRequest, TrainResponse> rest = StreamAnswers.eager();
    StreamObserver<TrainRequest> resumed = TrainingServiceGrpc.newStub(other.channel()).train(rest);
    TrainRequest.Builder spec = Teaching.spec("upload", "killed upload").toBuilder();
    spec.getSpecBuilder().setResume(true);
    resumed.onNext(spec.build());
    assertEquals(20, rest.next().getSpooled().getExamples());
    for (int i = 20; i < 30; i++) {
      resumed.onNext(Teaching.example(i));
    }
    resumed.onNext(Teaching.commit());
    TrainingJob job = Teaching.lastJob(rest);
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, job.getState(), job::toString);
    assertEquals(30, job.getExamples());
  }

  @Test
  void train_oneRequestAtTwoMembersAtOnce_trainsOnce() {
    StreamAnswers<TrainRequest, TrainResponse> one = StreamAnswers.eager();
    StreamAnswers<TrainRequest, TrainResponse> other = StreamAnswers.eager();
    TrainRequest spec = Teaching.spec("twice", "the same request");
    Teaching.upload(
        TrainingServiceGrpc.newStub(cluster.get("a").channel()).train(one), spec, EXAMPLES);
    Teaching.upload(
        TrainingServiceGrpc.newStub(cluster.get("b").channel()).train(other), spec, EXAMPLES);
    TrainingJob job = Teaching.lastJob(one);
    assertEquals(job.getJobId(), Teaching.lastJob(other).getJobId());
    assertEquals(
        1,
        cluster
            .get("c")
            .training()
            .listTrainingJobs(ListTrainingJobsRequest.newBuilder().setTask("twice").build())
            .getJobsCount());
    assertEquals(1, cluster.versions(cluster.get("c"), "twice").size());
  }

  /** It stands still for longer than the others wait, and comes back with its old token. */
  @Test
  void sigstop_ownerInMidTraining_itsJobIsAnothersWhenItReturns() {
    MemberProcess frozen = cluster.follower();
    TrainingJob job = commit(frozen, "frozen", "frozen job");
    Iterator<WatchTrainingJobResponse> watch = watch(cluster.others(frozen).get(1), job.getJobId());
    awaitEpoch(watch, 3);
    frozen.freeze();
    TrainingJob last;
    try {
      last = last(watch);
    } finally {
      frozen.thaw();
    }
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, last.getState(), last::toString);
    TrainingJob there = last(watch(frozen, job.getJobId()));
    assertEquals(last.getVersionId(), there.getVersionId());
    assertEquals(last.getEpoch(), there.getEpoch());
    cluster.awaitOneState();
    assertEquals(1, cluster.versions(frozen, "frozen").size());
    String said = frozen.said();
    assertTrue(said.contains("another member has it") || said.contains("STALE_OWNER"), said);
  }

  /** Enough epochs that a kill comes in between. */
  private static TrainingJob commit(MemberProcess member, String task, String requestId) {
    TrainRequest.Builder spec = Teaching.spec(task, requestId).toBuilder();
    spec.getSpecBuilder().getOptionsBuilder().setEpochs(250);
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    Teaching.upload(
        TrainingServiceGrpc.newStub(member.channel()).train(answers), spec.build(), EXAMPLES);
    TrainResponse response;
    do {
      response = answers.next();
    } while (!response.hasJob());
    return response.getJob();
  }

  private static Iterator<WatchTrainingJobResponse> watch(MemberProcess member, String jobId) {
    return TrainingServiceGrpc.newBlockingStub(member.channel())
        .watchTrainingJob(WatchTrainingJobRequest.newBuilder().setJobId(jobId).build());
  }

  private static void awaitEpoch(Iterator<WatchTrainingJobResponse> watch, int epoch) {
    TrainingJob job;
    do {
      job = watch.next().getJob();
    } while (job.getProgress().getEpoch() < epoch);
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_RUNNING, job.getState());
  }

  private static TrainingJob last(Iterator<WatchTrainingJobResponse> watch) {
    TrainingJob last = TrainingJob.getDefaultInstance();
    while (watch.hasNext()) {
      last = watch.next().getJob();
    }
    return last;
  }

  private static TrainingJob job(MemberProcess member, String jobId) {
    return member
        .training()
        .getTrainingJob(GetTrainingJobRequest.newBuilder().setJobId(jobId).build())
        .getJob();
  }

  /** The id that a version would have if it were made when another was. */
  private static String atTheTimeOf(MemberProcess member, String versionId, String otherId)
      throws IOException {
    TaskVersion one = version(member, versionId);
    TaskVersion other = version(member, otherId);
    TaskVersion moved =
        new TaskVersion(
            one.task(),
            one.classNames(),
            one.template(),
            one.prefixes(),
            one.statistics(),
            one.gate(),
            one.head(),
            one.options(),
            one.metrics(),
            one.seed(),
            one.backboneFingerprint(),
            other.created());
    return TaskVersionFile.versionId(TaskVersionFile.write(moved));
  }

  private static TaskVersion version(MemberProcess member, String versionId) throws IOException {
    Path file = member.data().resolve("tasks/versions/" + versionId + ".safetensors");
    return TaskVersionFile.read(ByteBuffer.wrap(Files.readAllBytes(file)));
  }
}
