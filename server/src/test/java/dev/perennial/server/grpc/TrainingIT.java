package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.Requests;
import dev.perennial.server.StreamAnswers;
import dev.perennial.server.Teaching;
import dev.perennial.server.TestImages;
import dev.perennial.server.TestServer;
import dev.perennial.server.TinyModel;
import dev.perennial.v1.CancelTrainingJobRequest;
import dev.perennial.v1.GetTrainingJobRequest;
import dev.perennial.v1.ListTrainingJobsRequest;
import dev.perennial.v1.ListTrainingJobsResponse;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import dev.perennial.v1.WatchTrainingJobRequest;
import dev.perennial.v1.WatchTrainingJobResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The training service over real sockets. */
class TrainingIT {
  @TempDir static Path directory;
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(directory);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static List<TrainResponse> all(StreamAnswers<TrainRequest, TrainResponse> answers) {
    assertNull(answers.end());
    return answers.next(answers.waiting());
  }

  private static TrainingJob job(String jobId) {
    return server
        .trainingBlocking()
        .getTrainingJob(GetTrainingJobRequest.newBuilder().setJobId(jobId).build())
        .getJob();
  }

  @Test
  void train_wholeUpload_acknowledgesAndEndsWithThePublishedVersion() {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    Teaching.upload(server.training().train(answers), "whole", "request-whole", 150);
    List<TrainResponse> all = all(answers);
    long acknowledged = 0;
    List<TrainingJob> jobs = new ArrayList<>();
    for (TrainResponse response : all) {
      if (response.hasSpooled()) {
        assertTrue(jobs.isEmpty());
        assertTrue(response.getSpooled().getExamples() > acknowledged);
        acknowledged = response.getSpooled().getExamples();
      } else {
        jobs.add(response.getJob());
      }
    }
    assertEquals(150, acknowledged);
    TrainingJob last = jobs.get(jobs.size() - 1);
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, last.getState(), last::toString);
    assertEquals("request-whole", last.getRequestId());
    assertEquals(150, last.getExamples());
    assertEquals(64, last.getVersionId().length());
    assertTrue(last.getEpoch() > 0);
    assertTrue(last.hasEndTime());
    assertEquals(last, job(last.getJobId()));
  }

  @Test
  void train_sameRequestIdAgain_isAnsweredWithTheFirstJob() {
    StreamAnswers<TrainRequest, TrainResponse> first = StreamAnswers.eager();
    Teaching.upload(server.training().train(first), "twice", "request-twice", 12);
    TrainingJob job = Teaching.lastJob(first);
    StreamAnswers<TrainRequest, TrainResponse> second = StreamAnswers.eager();
    Teaching.upload(server.training().train(second), "twice", "request-twice", 500);
    List<TrainResponse> all = all(second);
    assertEquals(List.of(TrainResponse.newBuilder().setJob(job).build()), all);
  }

  @Test
  void train_badExamples_areRejectedByIndexAndTheOthersAreUsed() {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    call.onNext(Teaching.spec("bad-examples", ""));
    int pixels = 3 * TinyModel.IMAGE_SIZE * TinyModel.IMAGE_SIZE;
    for (int i = 0; i < 12; i++) {
      call.onNext(Teaching.example(i));
      if (i == 3) {
        call.onNext(
            Teaching.example(
                TestImages.encoded("text".getBytes(StandardCharsets.UTF_8)), "red")); // 4
        call.onNext(
            Teaching.example(
                TestImages.encoded(
                    TestImages.truncated(
                        TestImages.file("jpg", TestImages.noise(40, 40, 0xFF, 1)))),
                "red")); // 5
        call.onNext(Teaching.example(TestImages.pixels(Float.NaN, pixels), "red")); // 6
        call.onNext(Teaching.example(Teaching.image(0), "")); // 7
      }
    }
    call.onNext(Teaching.commit());
    List<TrainResponse> all = all(answers);
    List<Long> rejected =
        all.stream()
            .filter(TrainResponse::hasRejected)
            .map(response -> response.getRejected().getIndex())
            .sorted()
            .toList();
    assertEquals(List.of(4L, 5L, 6L, 7L), rejected);
    for (TrainResponse response : all) {
      if (response.hasRejected()) {
        String failure = Requests.failure(response.getRejected().getError());
        assertTrue(failure.matches("INVALID_ARGUMENT \\w+ example\\.(image\\..*|label)"), failure);
      }
    }
    TrainingJob last = all.get(all.size() - 1).getJob();
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, last.getState(), last::toString);
    assertEquals(12, last.getExamples());
  }

  @Test
  void train_endWithoutCommit_trainsNothingAndKeepsNothing() {
    Set<Path> before = uploads();
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    call.onNext(Teaching.spec("half-sent", "request-half-sent"));
    for (int i = 0; i < 10; i++) {
      call.onNext(Teaching.example(i));
    }
    call.onCompleted();
    Throwable failure = answers.end();
    assertNotNull(failure);
    assertEquals("INVALID_ARGUMENT NOT_COMMITTED", Requests.failure(failure));
    assertEquals(List.of(), jobs("half-sent"));
    Until.holds(() -> before.containsAll(uploads()));
  }

  @Test
  void train_cancelledBeforeCommit_trainsNothingAndKeepsNothing() {
    Set<Path> before = uploads();
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    call.onNext(Teaching.spec("cancelled", ""));
    for (int i = 0; i < 10; i++) {
      call.onNext(Teaching.example(i));
    }
    answers.next();
    answers.cancel();
    Until.holds(() -> before.containsAll(uploads()));
    assertEquals(List.of(), jobs("cancelled"));
  }

  @Test
  void train_streamBreaksAndIsResumed_goesOnWhereItWasAcknowledged() {
    StreamAnswers<TrainRequest, TrainResponse> broken = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(broken);
    call.onNext(Teaching.spec("resumed", "request-resumed"));
    for (int i = 0; i < 9; i++) {
      call.onNext(Teaching.example(i));
    }
    call.onNext(Teaching.example(TestImages.encoded(new byte[] {1}), "red")); // 9
    for (int i = 10; i < 13; i++) {
      call.onNext(Teaching.example(i));
    }
    long acknowledged = 0;
    while (acknowledged < 13) {
      acknowledged = Math.max(acknowledged, broken.next().getSpooled().getExamples());
    }
    broken.cancel();
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> resumed = server.training().train(answers);
    TrainRequest.Builder spec = Teaching.spec("resumed", "request-resumed").toBuilder();
    spec.getSpecBuilder().setResume(true);
    resumed.onNext(spec.build());
    assertEquals(13, answers.next().getSpooled().getExamples());
    resumed.onNext(Teaching.example(TestImages.encoded(new byte[] {1}), "red")); // 13
    for (int i = 14; i < 20; i++) {
      resumed.onNext(Teaching.example(i));
    }
    resumed.onNext(Teaching.commit());
    List<TrainResponse> all = all(answers);
    assertEquals(
        List.of(13L),
        all.stream()
            .filter(TrainResponse::hasRejected)
            .map(response -> response.getRejected().getIndex())
            .toList());
    TrainingJob last = all.get(all.size() - 1).getJob();
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, last.getState(), last::toString);
    assertEquals(18, last.getExamples());
  }

  @Test
  void train_resumedWithoutRequestId_isRefused() {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    TrainRequest.Builder spec = Teaching.spec("resumed", "").toBuilder();
    spec.getSpecBuilder().setResume(true);
    server.training().train(answers).onNext(spec.build());
    Throwable failure = answers.end();
    assertNotNull(failure);
    assertEquals("INVALID_ARGUMENT MISSING_REQUEST_ID spec.request_id", Requests.failure(failure));
  }

  @Test
  void train_clientLeavesAfterCommit_jobGoesOnAndCanBeWatched() {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    Teaching.upload(call, "left", "request-left", 12);
    TrainResponse response;
    do {
      response = answers.next();
    } while (!response.hasJob());
    answers.cancel();
    Iterator<WatchTrainingJobResponse> watch =
        server
            .trainingBlocking()
            .watchTrainingJob(
                WatchTrainingJobRequest.newBuilder()
                    .setJobId(response.getJob().getJobId())
                    .build());
    TrainingJob last = null;
    while (watch.hasNext()) {
      last = watch.next().getJob();
    }
    assertNotNull(last);
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, last.getState());
  }

  @Test
  void train_outOfOrder_isRefused() {
    assertEquals("INVALID_ARGUMENT MISSING_SPEC spec", refusal(Teaching.example(0)));
    assertEquals("INVALID_ARGUMENT MISSING_SPEC spec", refusal(Teaching.commit()));
    assertEquals("INVALID_ARGUMENT MISSING_PART part", refusal(TrainRequest.getDefaultInstance()));
    assertEquals(
        "INVALID_ARGUMENT SECOND_SPEC spec",
        refusal(Teaching.spec("order", ""), Teaching.spec("order", "")));
  }

  @Test
  void train_badSpec_namesTheField() {
    assertTrue(refusal(Teaching.spec("Not a name", "")).endsWith(" spec.task"));
    TrainRequest.Builder depth = Teaching.spec("depth", "").toBuilder();
    depth.getSpecBuilder().getOptionsBuilder().setDepth(99);
    assertTrue(refusal(depth.build()).endsWith(" spec.options.depth"));
    TrainRequest.Builder template = Teaching.spec("template", "").toBuilder();
    template.getSpecBuilder().setTemplate("nothing");
    assertTrue(refusal(template.build()).endsWith(" spec.template"));
    TrainRequest.Builder recipe = Teaching.spec("recipe", "").toBuilder();
    recipe.getSpecBuilder().getOptionsBuilder().setRecipeValue(77);
    assertTrue(refusal(recipe.build()).endsWith(" spec.options.recipe"));
  }

  @Test
  void train_allExamplesOfOneClass_isRefusedAtTheCommit() {
    List<TrainRequest> requests = new ArrayList<>(List.of(Teaching.spec("one-class", "")));
    for (int i = 0; i < 5; i++) {
      requests.add(Teaching.example(3 * i));
    }
    requests.add(Teaching.commit());
    String refusal = refusal(requests.toArray(new TrainRequest[0]));
    assertTrue(refusal.startsWith("INVALID_ARGUMENT"), refusal);
    assertTrue(refusal.endsWith("spec.class_names"), refusal);
  }

  @Test
  void train_oneExampleOfAClass_isUsed() {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    call.onNext(Teaching.spec("lonely", ""));
    for (int i = 0; i < 10; i++) {
      call.onNext(Teaching.example(i == 0 ? 0 : 3 * i + 1));
    }
    call.onNext(Teaching.commit());
    TrainingJob job = Teaching.lastJob(answers);
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, job.getState(), job::toString);
  }

  @Test
  void listTrainingJobs_pages_showEveryJobOnceNewestFirst() {
    for (int i = 0; i < 3; i++) {
      StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
      Teaching.upload(server.training().train(answers), "listed", "listed-" + i, 9);
      Teaching.lastJob(answers);
    }
    List<String> seen = new ArrayList<>();
    String token = "";
    do {
      ListTrainingJobsResponse page =
          server
              .trainingBlocking()
              .listTrainingJobs(
                  ListTrainingJobsRequest.newBuilder()
                      .setTask("listed")
                      .setPageSize(2)
                      .setPageToken(token)
                      .build());
      page.getJobsList().forEach(job -> seen.add(job.getRequestId()));
      token = page.getNextPageToken();
    } while (!token.isEmpty());
    assertEquals(List.of("listed-2", "listed-1", "listed-0"), seen);
  }

  @Test
  void cancelTrainingJob_runningJob_endsCancelledAndPublishesNothing() {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    TrainRequest.Builder spec = Teaching.spec("stopped", "").toBuilder();
    spec.getSpecBuilder().getOptionsBuilder().setEpochs(1_000);
    call.onNext(spec.build());
    for (int i = 0; i < 60; i++) {
      call.onNext(Teaching.example(i));
    }
    call.onNext(Teaching.commit());
    TrainResponse response;
    do {
      response = answers.next();
    } while (!response.hasJob());
    String jobId = response.getJob().getJobId();
    server
        .trainingBlocking()
        .cancelTrainingJob(CancelTrainingJobRequest.newBuilder().setJobId(jobId).build());
    TrainingJob last = Teaching.lastJob(answers);
    assertEquals(TrainingJobState.TRAINING_JOB_STATE_CANCELLED, last.getState());
    assertEquals("", last.getVersionId());
    assertNull(answers.end());
  }

  @Test
  void jobCalls_unknownOrEmptyId_areRefused() {
    StatusRuntimeException unknown = assertThrows(StatusRuntimeException.class, () -> job("x"));
    assertEquals(Status.Code.NOT_FOUND, unknown.getStatus().getCode());
    StatusRuntimeException empty = assertThrows(StatusRuntimeException.class, () -> job(""));
    assertEquals("INVALID_ARGUMENT EMPTY_JOB_ID job_id", Requests.failure(empty));
    StatusRuntimeException watch =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                server
                    .trainingBlocking()
                    .watchTrainingJob(WatchTrainingJobRequest.newBuilder().setJobId("x").build())
                    .next());
    assertEquals(Status.Code.NOT_FOUND, watch.getStatus().getCode());
  }

  private static String refusal(TrainRequest... requests) {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    for (TrainRequest request : requests) {
      call.onNext(request);
    }
    Throwable failure = answers.end();
    assertNotNull(failure);
    return Requests.failure(failure);
  }

  private static List<TrainingJob> jobs(String task) {
    return server
        .trainingBlocking()
        .listTrainingJobs(ListTrainingJobsRequest.newBuilder().setTask(task).build())
        .getJobsList();
  }

  /** Uploads on disk; those of earlier tests may be on their way out. */
  private static Set<Path> uploads() {
    try (Stream<Path> uploads = Files.list(directory.resolve("data/training/uploads"))) {
      return uploads.collect(Collectors.toSet());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
