package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import dev.perennial.server.Requests;
import dev.perennial.server.StreamAnswers;
import dev.perennial.server.Teaching;
import dev.perennial.server.TestServer;
import dev.perennial.server.TinyModel;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.v1.Classification;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.ExportTaskRequest;
import dev.perennial.v1.ExportTaskResponse;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.ImportTaskRequest;
import dev.perennial.v1.ImportTaskResponse;
import dev.perennial.v1.ListTasksRequest;
import dev.perennial.v1.Task;
import dev.perennial.v1.TaskFileHeader;
import dev.perennial.v1.TaskServiceGrpc;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Versions as files: out of one server, into another, and what is no version of this backbone. */
class TaskFilesIT {
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

  private static List<Classification> answers(TestServer of) {
    List<Classification> all = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      all.add(
          Requests.answer(
              of.inferenceBlocking(),
              Teaching.image(i),
              Requests.labels("red", "green", "blue", "a cat")));
    }
    return all;
  }

  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  private record Exported(TaskFileHeader header, byte[] bytes, int chunks) {}

  private static Exported export(TestServer from, String task, String versionId) {
    Iterator<ExportTaskResponse> parts =
        from.tasks()
            .exportTask(
                ExportTaskRequest.newBuilder().setName(task).setVersionId(versionId).build());
    TaskFileHeader header = parts.next().getHeader();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int chunks = 0;
    while (parts.hasNext()) {
      bytes.writeBytes(parts.next().getChunk().toByteArray());
      chunks++;
    }
    return new Exported(header, bytes.toByteArray(), chunks);
  }

  private static ImportTaskRequest header(String task, String versionId, long size) {
    return ImportTaskRequest.newBuilder()
        .setHeader(TaskFileHeader.newBuilder().setTask(task).setVersionId(versionId).setSize(size))
        .build();
  }

  private static ImportTaskRequest header(byte[] file) {
    return header("", TaskVersionFile.versionId(file), file.length);
  }

  private static ImportTaskRequest chunk(byte[] bytes) {
    return ImportTaskRequest.newBuilder().setChunk(ByteString.copyFrom(bytes)).build();
  }

  /** The stream's answers, after these requests and the end. */
  private static StreamAnswers<ImportTaskRequest, ImportTaskResponse> send(
      TestServer to, ImportTaskRequest... requests) {
    StreamAnswers<ImportTaskRequest, ImportTaskResponse> answers = StreamAnswers.eager();
    StreamObserver<ImportTaskRequest> call =
        TaskServiceGrpc.newStub(to.channel()).importTask(answers);
    for (ImportTaskRequest request : requests) {
      call.onNext(request);
    }
    call.onCompleted();
    return answers;
  }

  private String refusal(ImportTaskRequest... requests) {
    return failure(send(server, requests));
  }

  private static String failure(StreamAnswers<?, ?> answers) {
    return Requests.failure(Objects.requireNonNull(answers.end(), "no failure"));
  }

  private Task task(String name) {
    return server.tasks().getTask(GetTaskRequest.newBuilder().setName(name).build()).getTask();
  }

  @Test
  void export_thenImportElsewhere_isTheSameVersionWithTheSameAnswers() {
    String id = Teaching.teach(server, "colours").getVersionId();
    Exported exported = export(server, "colours", "");
    assertEquals(id, exported.header().getVersionId());
    assertEquals("colours", exported.header().getTask());
    assertEquals(exported.bytes().length, exported.header().getSize());
    assertEquals(id, TaskVersionFile.versionId(exported.bytes()));
    try (TestServer other = TestServer.start(directory.resolve("two"))) {
      ImportTaskResponse imported =
          send(other, header(exported.bytes()), chunk(exported.bytes())).next();
      assertEquals(id, imported.getTask().getActiveVersionId());
      assertEquals(answers(server), answers(other));
    }
  }

  @Test
  void import_ofADeletedTask_bringsItsAnswersBack() {
    Teaching.teach(server, "colours");
    List<Classification> before = answers(server);
    byte[] file = export(server, "colours", "").bytes();
    server.tasks().deleteTask(DeleteTaskRequest.newBuilder().setName("colours").build());
    send(server, header(file), chunk(file)).next();
    assertEquals(before, answers(server));
  }

  @Test
  void import_twice_isOneVersionUnderOneEpoch() {
    Teaching.teach(server, "colours");
    byte[] first = export(server, "colours", "").bytes();
    Teaching.teach(server, "others");
    long epoch = server.tasks().listTasks(ListTasksRequest.getDefaultInstance()).getEpoch();
    assertEquals(epoch, send(server, header(first), chunk(first)).next().getEpoch());
    assertEquals(epoch, send(server, header(first), chunk(first)).next().getEpoch());
    assertEquals(1, task("colours").getVersionsCount());
  }

  @Test
  void export_ofAGivenVersion_isThatOne() {
    String id = Teaching.teach(server, "colours").getVersionId();
    TaskVersion taught = read(export(server, "colours", "").bytes());
    byte[] other = TaskVersionFile.write(withSeed(taught, 77));
    send(server, header(other), chunk(other)).next();
    assertEquals(TaskVersionFile.versionId(other), task("colours").getActiveVersionId());
    assertEquals(id, TaskVersionFile.versionId(export(server, "colours", id).bytes()));
    StreamAnswers<ExportTaskRequest, ExportTaskResponse> none = StreamAnswers.eager();
    TaskServiceGrpc.newStub(server.channel())
        .exportTask(
            ExportTaskRequest.newBuilder().setName("colours").setVersionId("0").build(), none);
    assertEquals("NOT_FOUND VERSION_NOT_FOUND version_id", failure(none));
  }

  @Test
  void import_foreignBackbone_isAFailedPrecondition() {
    Teaching.teach(server, "colours");
    byte[] file = export(server, "colours", "").bytes();
    Path model = TinyModel.write(directory.resolve("other-model"), 8);
    try (TestServer other =
        TestServer.start(directory.resolve("two"), config -> config.withModel(model))) {
      assertEquals(
          "FAILED_PRECONDITION BACKBONE_MISMATCH", failure(send(other, header(file), chunk(file))));
      ListTasksRequest all = ListTasksRequest.getDefaultInstance();
      assertEquals(0, other.tasks().listTasks(all).getTasksCount());
    }
  }

  @Test
  void import_brokenStreams_changeNothingAndNameTheField() {
    Teaching.teach(server, "colours");
    byte[] file = export(server, "colours", "").bytes();
    String id = TaskVersionFile.versionId(file);
    byte[] flipped = file.clone();
    flipped[file.length / 2] ^= 1;
    byte[] text = {1, 2, 3};
    byte[] half = Arrays.copyOf(file, file.length / 2);
    ListTasksRequest all = ListTasksRequest.getDefaultInstance();
    Object before = server.tasks().listTasks(all);
    assertEquals("INVALID_ARGUMENT MISSING_HEADER header", refusal());
    assertEquals("INVALID_ARGUMENT MISSING_HEADER header", refusal(chunk(file)));
    assertEquals(
        "INVALID_ARGUMENT MISSING_PART part", refusal(ImportTaskRequest.getDefaultInstance()));
    assertEquals(
        "INVALID_ARGUMENT SECOND_HEADER header", refusal(header(file), header(file), chunk(file)));
    assertEquals("INVALID_ARGUMENT BAD_FILE_SIZE chunk", refusal(header(file), chunk(half)));
    assertEquals(
        "INVALID_ARGUMENT BAD_FILE_SIZE chunk", refusal(header(file), chunk(file), chunk(text)));
    assertEquals("INVALID_ARGUMENT BAD_FILE_SIZE header.size", refusal(header("", id, 0)));
    assertEquals(
        "INVALID_ARGUMENT BAD_FILE_SIZE header.size",
        refusal(header("", id, ImportStream.MAX_BYTES + 1)));
    assertEquals("INVALID_ARGUMENT BAD_VERSION_ID header.version_id", refusal(header("", "x", 3)));
    assertEquals(
        "INVALID_ARGUMENT HASH_MISMATCH header.version_id", refusal(header(file), chunk(flipped)));
    assertEquals("INVALID_ARGUMENT BAD_TASK_FILE chunk", refusal(header(text), chunk(text)));
    assertEquals(
        "INVALID_ARGUMENT TASK_MISMATCH header.task",
        refusal(header("others", id, file.length), chunk(file)));
    assertEquals(before, server.tasks().listTasks(all));
  }

  @Test
  void import_prefixesOfAnotherShape_neverReachADevice() {
    Teaching.teach(server, "colours");
    TaskVersion version = read(export(server, "colours", "").bytes());
    Prefixes narrow =
        new Prefixes(
            1,
            List.of(new float[16]),
            List.of(new float[16]),
            List.of(new float[32]),
            List.of(new float[32]));
    byte[] hostile = TaskVersionFile.write(with(version, narrow));
    assertEquals("INVALID_ARGUMENT BAD_TASK_FILE chunk", refusal(header(hostile), chunk(hostile)));
    assertEquals(6, answers(server).size());
  }

  @Test
  void largeFile_inManyChunksBothWays_isWhole() {
    Teaching.teach(server, "colours");
    byte[] file = TaskVersionFile.write(large(read(export(server, "colours", "").bytes())));
    int parts = 100;
    ImportTaskRequest[] requests = new ImportTaskRequest[parts + 1];
    requests[0] = header(file);
    for (int i = 0; i < parts; i++) {
      long from = (long) file.length * i / parts;
      long to = (long) file.length * (i + 1) / parts;
      requests[i + 1] = chunk(Arrays.copyOfRange(file, (int) from, (int) to));
    }
    send(server, requests).next();
    Exported exported = export(server, "many", "");
    assertTrue(exported.chunks() > 2, exported.chunks() + " chunks");
    assertEquals(TaskVersionFile.versionId(file), TaskVersionFile.versionId(exported.bytes()));
  }

  @Test
  void budget_atItsBound_refusesUntilALeaseIsGivenBack() {
    ByteBudget budget = new ByteBudget(10);
    ByteBudget.Lease six = budget.lend(6);
    assertEquals(
        "RESOURCE_EXHAUSTED TOO_MANY_TASK_FILES",
        Requests.failure(Statuses.of(refused(() -> budget.lend(5)))));
    six.close();
    six.close();
    budget.lend(10).close();
    refused(() -> budget.lend(11));
  }

  private static RuntimeException refused(org.junit.jupiter.api.function.Executable call) {
    return org.junit.jupiter.api.Assertions.assertThrows(RuntimeException.class, call);
  }

  private static TaskVersion read(byte[] file) {
    return TaskVersionFile.read(ByteBuffer.wrap(file));
  }

  private static TaskVersion withSeed(TaskVersion version, long seed) {
    return copy(
        version,
        version.task(),
        version.classNames(),
        version.prefixes(),
        version.statistics(),
        seed);
  }

  private static TaskVersion with(TaskVersion version, Prefixes prefixes) {
    return copy(version, version.task(), version.classNames(), prefixes, version.statistics(), 0);
  }

  /** 5,000 classes of one row each, all rows equal. */
  private static TaskVersion large(TaskVersion version) {
    int classes = 5_000;
    int d = version.statistics().dimension();
    List<String> names = new ArrayList<>();
    int[] classOf = new int[classes];
    float[] features = new float[classes * d];
    for (int c = 0; c < classes; c++) {
      names.add("class " + c);
      classOf[c] = c;
      features[c * d + c % d] = 1;
    }
    return copy(
        version,
        "many",
        names,
        version.prefixes(),
        FeatureStatistics.of(features, d, classOf, classes),
        0);
  }

  private static TaskVersion copy(
      TaskVersion version,
      String task,
      List<String> classNames,
      Prefixes prefixes,
      FeatureStatistics statistics,
      long seed) {
    return new TaskVersion(
        task,
        classNames,
        version.template(),
        prefixes,
        statistics,
        version.gate(),
        version.head(),
        version.options(),
        version.metrics(),
        seed,
        version.backboneFingerprint(),
        version.created());
  }
}
