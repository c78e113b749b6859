package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Uploads whose streams broke, and go on. */
@Timeout(240)
class ResumedUploadTest {
  private static final TrainingSpec SPEC = TestJobs.spec("r");
  private static final ExampleImage BROKEN = new ExampleImage.Encoded(new byte[] {1});

  @TempDir Path directory;
  private final FakeHost host = new FakeHost();
  private final AtomicLong nanoTime = new AtomicLong();
  private final List<TrainingJobs> opened = new ArrayList<>();
  private TrainingJobs jobs = TestJobs.jobs(Path.of(""), host);

  @BeforeEach
  void start() {
    jobs = start(TrainingConfig.DEFAULT);
  }

  private TrainingJobs start(TrainingConfig config) {
    TrainingJobs started =
        new TrainingJobs(
            directory, host, config, Disk.REAL, TestJobs.CLOCK, nanoTime::get, JobPeers.ALONE);
    opened.add(started);
    started.start();
    return started;
  }

  @AfterEach
  void close() {
    opened.forEach(TrainingJobs::close);
    host.close();
  }

  @Test
  void resume_killedBeforeTheFirstExample_begins() throws Exception {
    jobs.close();
    Path upload = Files.createDirectories(directory.resolve("uploads/u"));
    Files.write(upload.resolve(JobStore.UPLOAD), JobJson.writeUpload(SPEC));
    Files.createFile(upload.resolve(JobStore.SPOOL));
    jobs = start(TrainingConfig.DEFAULT);
    Upload begun = TestJobs.open(jobs, SPEC, UploadMode.RESUMED);
    assertEquals(0, begun.resumed());
    add(begun, 0, 30);
    assertEquals(30, TestJobs.get(begun.commit()).examples());
  }

  /** Another server was granted it at that moment. */
  @Test
  void resume_filesAreGone_saysSoAndKeepsNothingOfIt() throws Exception {
    Upload broken = TestJobs.open(jobs, SPEC, UploadMode.KEPT);
    add(broken, 0, 13);
    breakOff(broken);
    for (String id : Objects.requireNonNull(directory.resolve("uploads").toFile().list())) {
      Disk.REAL.delete(directory.resolve("uploads").resolve(id));
    }
    ServingException e =
        assertThrows(ServingException.class, () -> jobs.open(SPEC, UploadMode.RESUMED));
    assertEquals("UPLOAD_MOVED", e.reason());
    Upload again = TestJobs.open(jobs, SPEC, UploadMode.RESUMED);
    assertEquals(0, again.resumed());
    Disk.REAL.delete(directory.resolve("uploads"));
    ServingException failure =
        (ServingException) TestJobs.failure(again.add(FakeHost.picture(0, 0), "ant"));
    assertEquals("UPLOAD_MOVED", failure.reason());
  }

  @Test
  void resume_streamBroke_goesOnWhereItWasAndTrainsTheSame() throws Exception {
    TestJobs.ended(jobs, TestJobs.train(jobs, TestJobs.spec("whole")).jobId());
    Upload broken = TestJobs.open(jobs, SPEC, UploadMode.KEPT);
    add(broken, 0, 13);
    breakOff(broken);
    Upload resumed = TestJobs.open(jobs, SPEC, UploadMode.RESUMED);
    assertEquals(13, resumed.resumed());
    add(resumed, 13, 30);
    TrainingJob job = TestJobs.ended(jobs, TestJobs.get(resumed.commit()).jobId());
    assertEquals(JobState.SUCCEEDED, job.state());
    assertEquals(30, job.examples());
    Bits.assertSame(host.published.get(0), host.published.get(1));
    assertEquals(0, uploadsOnDisk());
  }

  @Test
  void resume_serverRestarted_acknowledgedExamplesAreThere() throws Exception {
    add(TestJobs.open(jobs, SPEC, UploadMode.KEPT), 0, 7);
    jobs.close();
    jobs = start(TrainingConfig.DEFAULT);
    assertEquals(7, TestJobs.open(jobs, SPEC, UploadMode.RESUMED).resumed());
  }

  @Test
  void resume_rejectedExamples_countAsDealtWith() throws Exception {
    Upload broken = TestJobs.open(jobs, SPEC, UploadMode.KEPT);
    add(broken, 0, 3);
    assertEquals(
        "IMAGE_NOT_DECODABLE",
        ((ServingException) TestJobs.failure(broken.add(BROKEN, "ant"))).reason());
    assertEquals(
        "UNKNOWN_LABEL",
        ((ServingException) TestJobs.failure(broken.add(FakeHost.picture(0, 1), "dog"))).reason());
    ServingException unreadable = ServingException.invalid("UNREADABLE", "example.image", "image");
    assertEquals(unreadable, TestJobs.failure(broken.reject(unreadable)));
    breakOff(broken);
    Upload resumed = TestJobs.open(jobs, SPEC, UploadMode.RESUMED);
    assertEquals(6, resumed.resumed());
    add(resumed, 3, 30);
    TrainingJob job = TestJobs.ended(jobs, TestJobs.get(resumed.commit()).jobId());
    assertEquals(JobState.SUCCEEDED, job.state());
    assertEquals(30, job.examples());
  }

  @Test
  void resume_tornLastRecord_isSentAgain() throws Exception {
    add(TestJobs.open(jobs, SPEC, UploadMode.KEPT), 0, 7);
    jobs.close();
    Path spool = onlyUpload().resolve("examples.spool");
    byte[] bytes = Files.readAllBytes(spool);
    Files.write(spool, Arrays.copyOf(bytes, bytes.length - 5));
    jobs = start(TrainingConfig.DEFAULT);
    Upload resumed = TestJobs.open(jobs, SPEC, UploadMode.RESUMED);
    assertEquals(6, resumed.resumed());
    add(resumed, 6, 30);
    TrainingJob job = TestJobs.ended(jobs, TestJobs.get(resumed.commit()).jobId());
    assertEquals(JobState.SUCCEEDED, job.state());
  }

  @Test
  void resume_uploadOfNewerSoftware_leftWhereItIs() throws Exception {
    add(TestJobs.open(jobs, SPEC, UploadMode.KEPT), 0, 7);
    jobs.close();
    Path file = onlyUpload().resolve("upload.json");
    String written = Files.readString(file);
    Files.writeString(file, written.replace("\"format\":1", "\"format\":2"));
    jobs = start(TrainingConfig.DEFAULT);
    assertEquals(0, TestJobs.open(jobs, TestJobs.spec("other"), UploadMode.RESUMED).resumed());
    jobs.close();
    Files.writeString(file, written);
    jobs = start(TrainingConfig.DEFAULT);
    assertEquals(7, TestJobs.open(jobs, SPEC, UploadMode.RESUMED).resumed());
  }

  /** The server has not noticed yet that the first stream is dead. */
  @Test
  void resume_whileTheOldStreamIsOpen_takesItOver() throws Exception {
    Upload old = TestJobs.open(jobs, SPEC, UploadMode.KEPT);
    add(old, 0, 5);
    Upload resumed = TestJobs.open(jobs, SPEC, UploadMode.RESUMED);
    assertEquals(5, resumed.resumed());
    CompletableFuture<Long> late = old.add(FakeHost.picture(0, 0), "ant");
    assertEquals("UPLOAD_CLOSED", ((ServingException) TestJobs.failure(late)).reason());
    old.keep();
    old.close();
    add(resumed, 5, 30);
    TrainingJob job = TestJobs.ended(jobs, TestJobs.get(resumed.commit()).jobId());
    assertEquals(30, job.examples());
  }

  @Test
  void resume_committed_isAnsweredWithTheJob() throws Exception {
    Upload upload = TestJobs.open(jobs, SPEC, UploadMode.KEPT);
    TestJobs.fill(upload);
    CompletableFuture<TrainingJob> commit = upload.commit();
    upload.keep(); // the stream broke before the answer
    UploadOpening.Made made = (UploadOpening.Made) jobs.open(SPEC, UploadMode.RESUMED);
    assertEquals(TestJobs.get(commit).jobId(), made.job().jobId());
  }

  @Test
  void resume_otherSpec_isRefusedAndTheUploadStays() throws Exception {
    Upload broken = TestJobs.open(jobs, SPEC, UploadMode.KEPT);
    add(broken, 0, 5);
    breakOff(broken);
    TrainingSpec other = TestJobs.spec("r", 5, 0.2f, 0.1f);
    ServingException e =
        assertThrows(ServingException.class, () -> jobs.open(other, UploadMode.RESUMED));
    assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
    assertEquals("SPEC_CHANGED", e.reason());
    assertEquals("spec", e.field());
    assertEquals(5, TestJobs.open(jobs, SPEC, UploadMode.RESUMED).resumed());
  }

  @Test
  void keep_nothingKnownOrNothingSent_beginsAtZero() throws Exception {
    Upload fresh = TestJobs.open(jobs, SPEC, UploadMode.RESUMED);
    assertEquals(0, fresh.resumed());
    fresh.keep();
    assertEquals(0, TestJobs.open(jobs, SPEC, UploadMode.RESUMED).resumed());
  }

  @Test
  void keep_oneStream_isThrownAway() throws Exception {
    Upload upload = TestJobs.open(jobs, SPEC, UploadMode.ONE_STREAM);
    add(upload, 0, 5);
    upload.keep();
    assertEquals(0, TestJobs.open(jobs, SPEC, UploadMode.RESUMED).resumed());
  }

  @Test
  void keep_longerThanAMoment_isThrownAway() throws Exception {
    Upload broken = TestJobs.open(jobs, SPEC, UploadMode.KEPT);
    add(broken, 0, 5);
    breakOff(broken);
    nanoTime.addAndGet(KeptUploads.KEEP.toNanos() + 1);
    add(TestJobs.open(jobs, TestJobs.spec("other"), UploadMode.KEPT), 0, 3); // wakes the spool up
    assertEquals(0, TestJobs.open(jobs, SPEC, UploadMode.RESUMED).resumed());
  }

  @Test
  void keep_roomIsNeeded_theOldestGivesWay() throws Exception {
    jobs.close();
    jobs = start(new TrainingConfig(2, 1L << 30, 1L << 30, 1_000, 10));
    for (String request : List.of("first", "second")) {
      Upload broken = TestJobs.open(jobs, TestJobs.spec(request), UploadMode.KEPT);
      add(broken, 0, 4);
      breakOff(broken);
    }
    Upload third = TestJobs.open(jobs, TestJobs.spec("third"));
    assertEquals(4, TestJobs.open(jobs, TestJobs.spec("second"), UploadMode.RESUMED).resumed());
    third.close();
    TestJobs.get(((SpooledUpload) third).gone());
    assertEquals(0, TestJobs.open(jobs, TestJobs.spec("first"), UploadMode.RESUMED).resumed());
  }

  @Test
  void keep_bytesAreNeeded_theOldestGivesWay() throws Exception {
    jobs.close();
    long record = SpoolRecord.size(FakeHost.picture(0, 0), "ant");
    jobs = start(new TrainingConfig(4, 1L << 30, 5 * record, 1_000, 10));
    Upload broken = TestJobs.open(jobs, SPEC, UploadMode.KEPT);
    add(broken, 0, 4);
    breakOff(broken);
    add(TestJobs.open(jobs, TestJobs.spec("other")), 0, 3);
    assertEquals(0, TestJobs.open(jobs, SPEC, UploadMode.RESUMED).resumed());
  }

  /** The upload's stream breaks, and its files are closed. */
  private static void breakOff(Upload upload) throws Exception {
    upload.keep();
    TestJobs.get(((SpooledUpload) upload).gone());
  }

  private static void add(Upload upload, int from, int to) throws Exception {
    for (int i = from; i < to; i++) {
      TestJobs.get(upload.add(FakeHost.picture(i % 3, i / 3), TestJobs.CLASSES.get(i % 3)));
    }
  }

  private long uploadsOnDisk() throws IOException {
    try (Stream<Path> uploads = Files.list(directory.resolve("uploads"))) {
      return uploads.count();
    }
  }

  private Path onlyUpload() throws IOException {
    try (Stream<Path> uploads = Files.list(directory.resolve("uploads"))) {
      return uploads.toList().get(0);
    }
  }
}
