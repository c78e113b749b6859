package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.v1.Classification;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClassifyRequest;
import dev.perennial.v1.ClassifyResponse;
import dev.perennial.v1.InferenceServiceGrpc;
import dev.perennial.v1.ListTrainingJobsRequest;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import dev.perennial.v1.TrainingServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a server starts, stops, and is killed. */
class ServerLifecycleIT {
  @TempDir Path directory;

  private static Classification ask(ManagedChannel channel) {
    return InferenceServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(10, TimeUnit.MINUTES)
        .classifyImage(
            ClassifyImageRequest.newBuilder()
                .setImage(Teaching.image(1))
                .setLabelSet(Requests.labels("red", "green", "blue"))
                .build())
        .getClassification();
  }

  @Test
  void close_streamOpen_answersWhatWasSentAndEndsIt() throws Exception {
    TestServer server = TestServer.start(directory);
    Iterator<HealthCheckResponse> health =
        HealthGrpc.newBlockingStub(server.anotherChannel())
            .watch(HealthCheckRequest.getDefaultInstance());
    assertEquals(ServingStatus.SERVING, health.next().getStatus());
    StreamAnswers<ClassifyRequest, ClassifyResponse> answers = StreamAnswers.eager();
    StreamObserver<ClassifyRequest> call = server.inference().classify(answers);
    call.onNext(Requests.classify(Teaching.image(0), Requests.labels("a", "b")));
    assertTrue(answers.next().hasClassification());
    CompletableFuture<Void> closing = CompletableFuture.runAsync(server.server()::close);
    assertEquals(ServingStatus.NOT_SERVING, health.next().getStatus());
    Throwable refused = assertThrows(Exception.class, () -> ask(server.channel()));
    assertTrue(Requests.failure(refused).startsWith("UNAVAILABLE"), refused::toString);
    call.onNext(Requests.classify(Teaching.image(1)));
    assertTrue(answers.next().hasClassification());
    assertFalse(closing.isDone());
    call.onCompleted();
    assertNull(answers.end());
    closing.get(4, TimeUnit.MINUTES);
    server.close();
  }

  @Test
  void close_streamNeverEnds_isEndedAfterTheDrainTimeout() {
    TestServer server =
        TestServer.start(
            directory,
            config -> {
              var grpc = config.grpc();
              return new ServerConfig(
                  config.model(),
                  config.data(),
                  new dev.perennial.server.grpc.GrpcConfig(
                      grpc.host(),
                      grpc.port(),
                      2,
                      grpc.maxMessageBytes(),
                      grpc.maxStreamsPerConnection(),
                      grpc.maxInFlightPerStream(),
                      grpc.maxInFlightBytesPerStream(),
                      1,
                      grpc.maxDecodeQueueSize(),
                      grpc.maxDecodeQueueBytes(),
                      grpc.maxCallDuration(),
                      java.time.Duration.ofMillis(200),
                      null,
                      null),
                  config.devices(),
                  config.training(),
                  config.images(),
                  config.cluster());
            });
    StreamAnswers<ClassifyRequest, ClassifyResponse> answers = StreamAnswers.eager();
    StreamObserver<ClassifyRequest> call = server.inference().classify(answers);
    call.onNext(Requests.classify(Teaching.image(0), Requests.labels("a", "b")));
    assertTrue(answers.next().hasClassification());
    server.server().close();
    Throwable failure = answers.end();
    assertNotNull(failure);
    assertEquals("UNAVAILABLE DRAINING", Requests.failure(failure));
    server.close();
  }

  @Test
  void start_portTaken_closesWhatItOpened() {
    try (TestServer first = TestServer.start(directory.resolve("first"))) {
      Path second = directory.resolve("second");
      ServingException seen =
          assertThrows(
              ServingException.class,
              () ->
                  TestServer.start(
                      second,
                      config ->
                          new ServerConfig(
                              config.model(),
                              config.data(),
                              config.grpc().at("127.0.0.1", first.port()),
                              config.devices(),
                              config.training(),
                              config.images(),
                              config.cluster())));
      assertEquals("CANNOT_LISTEN", seen.reason());
      // The data directory is free again: nothing holds its lock.
      TestServer.start(second).close();
    }
  }

  @Test
  void start_dataDirectoryInUse_isRefused() {
    try (TestServer first = TestServer.start(directory)) {
      assertTrue(first.port() > 0);
      assertThrows(ServingException.class, () -> TestServer.start(directory));
    }
  }

  /** In a directory for temporary files that no other process has. */
  @Test
  void start_noDataDirectory_leavesNothingBehind() throws Exception {
    Path temporary = Files.createDirectory(directory.resolve("temporary"));
    try (Served served =
        new Served(directory, List.of("-Djava.io.tmpdir=" + temporary), List.of())) {
      assertEquals(1, perennialDirectories(temporary).size());
      served.process.destroy();
      assertTrue(served.process.waitFor(4, TimeUnit.MINUTES));
    }
    assertEquals(List.of(), perennialDirectories(temporary));
  }

  private static List<Path> perennialDirectories(Path temporary) throws IOException {
    try (Stream<Path> files = Files.list(temporary)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("perennial-"))
          .sorted()
          .toList();
    }
  }

  /** Promise 4, for one member: nothing acknowledged is lost. */
  @Test
  void kill_afterCommitWasAnswered_theJobIsFinishedByTheNextServer() throws Exception {
    String jobId;
    try (Served served = new Served(directory)) {
      StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
      StreamObserver<TrainRequest> call =
          TrainingServiceGrpc.newStub(served.channel).train(answers);
      TrainRequest.Builder spec = Teaching.spec("colours", "request-1").toBuilder();
      spec.getSpecBuilder().getOptionsBuilder().setEpochs(50);
      call.onNext(spec.build());
      for (int i = 0; i < 60; i++) {
        call.onNext(Teaching.example(i));
      }
      call.onNext(Teaching.commit());
      TrainResponse response;
      do {
        response = answers.next();
      } while (!response.hasJob());
      jobId = response.getJob().getJobId();
      served.kill();
    }
    try (TestServer server = TestServer.start(directory)) {
      StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
      Teaching.upload(server.training().train(answers), "colours", "request-1", 3);
      TrainingJob job = Teaching.lastJob(answers);
      assertEquals(jobId, job.getJobId());
      assertEquals(TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED, job.getState(), job::toString);
      assertEquals(60, job.getExamples());
      assertEquals("colours", ask(server.channel()).getRouting().getTask());
    }
  }

  @Test
  void kill_afterPublish_theNextServerGivesTheSameAnswers() throws Exception {
    Classification before;
    try (TestServer server = TestServer.start(directory)) {
      Teaching.teach(server, "colours");
    }
    try (Served served = new Served(directory)) {
      before = ask(served.channel);
      assertEquals("colours", before.getRouting().getTask());
      StreamAnswers<TrainRequest, TrainResponse> halfSent = StreamAnswers.eager();
      StreamObserver<TrainRequest> call =
          TrainingServiceGrpc.newStub(served.channel).train(halfSent);
      call.onNext(Teaching.spec("half", "request-half"));
      for (int i = 0; i < 10; i++) {
        call.onNext(Teaching.example(i));
      }
      halfSent.next();
      served.kill();
    }
    // Of its own JVM, too: bits depend on how many threads PyTorch has.
    try (Served served = new Served(directory)) {
      assertEquals(before, ask(served.channel));
      assertEquals(
          0,
          TrainingServiceGrpc.newBlockingStub(served.channel)
              .listTrainingJobs(ListTrainingJobsRequest.newBuilder().setTask("half").build())
              .getJobsCount());
    }
  }

  @Test
  void serve_terminated_drainsAndExits() throws Exception {
    try (Served served = new Served(directory)) {
      assertEquals(3, ask(served.channel).getScoresCount());
      served.process.destroy();
      assertTrue(served.process.waitFor(4, TimeUnit.MINUTES));
      // 128 + SIGTERM: the JVM's own
      assertEquals(143, served.process.exitValue());
      assertTrue(served.log().contains("stopped"), served::log);
    }
  }

  /** {@code perennial serve} in a JVM of its own. */
  private static final class Served implements AutoCloseable {
    final Process process;
    final ManagedChannel channel;
    private final Path log;

    Served(Path directory) throws IOException {
      this(directory, List.of(), List.of("--data", directory.resolve("data").toString()));
    }

    Served(Path directory, List<String> jvm, List<String> options) throws IOException {
      Path model = TinyModel.write(directory.resolve("model"));
      log = directory.resolve("serve.log");
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(
          List.of("-Dai.djl.offline=true", "-cp", System.getProperty("java.class.path")));
      command.addAll(jvm);
      command.addAll(List.of(Main.class.getName(), "serve", "--port", "0"));
      command.addAll(List.of("--model", model.toString()));
      command.addAll(options);
      process = new ProcessBuilder(command).redirectError(log.toFile()).start();
      channel = TestServer.newChannel(port());
    }

    private int port() throws IOException {
      BufferedReader out =
          new BufferedReader(
              new java.io.InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      String line = out.readLine();
      if (line == null || !line.startsWith("listening on ")) {
        throw new AssertionError(line + "\n" + log());
      }
      return Integer.parseInt(line.substring(line.lastIndexOf(':') + 1));
    }

    /** SIGKILL: nothing in the JVM runs any more. */
    void kill() throws InterruptedException {
      process.destroyForcibly();
      assertTrue(process.waitFor(4, TimeUnit.MINUTES));
    }

    String log() {
      try {
        return Files.readString(log);
      } catch (IOException e) {
        return e.toString();
      }
    }

    @Override
    public void close() {
      channel.shutdownNow();
      process.destroyForcibly();
    }
  }
}
