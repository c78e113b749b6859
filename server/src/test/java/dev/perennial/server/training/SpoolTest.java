package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.RgbImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class SpoolTest {

  /** A disk that can run full or be held up, and remembers what it was made to keep. */
  private static final class TestDisk extends Disk {
    final AtomicInteger forces = new AtomicInteger();
    final AtomicLong bytesLeft = new AtomicLong(Long.MAX_VALUE);
    final AtomicLong forcedBytes = new AtomicLong();
    volatile @Nullable CountDownLatch holdFirstForce;
    volatile boolean forceFails;

    @Override
    Appender create(Path file) throws IOException {
      Appender real = super.create(file);
      return new Appender() {
        private long appended;

        @Override
        public void append(ByteBuffer bytes) throws IOException {
          if (bytesLeft.addAndGet(-bytes.remaining()) < 0) {
            real.append(bytes.limit(bytes.remaining() / 2)); // half a record stays behind
            throw new IOException("No space left on device");
          }
          appended += bytes.remaining();
          real.append(bytes);
        }

        @Override
        public void force() throws IOException {
          CountDownLatch hold = holdFirstForce;
          if (forces.getAndIncrement() == 0 && hold != null) {
            Uninterruptibly.run(hold::await);
          }
          if (forceFails) {
            throw new IOException("Input/output error");
          }
          real.force();
          forcedBytes.addAndGet(appended);
          appended = 0;
        }

        @Override
        public void close() throws IOException {
          real.close();
        }
      };
    }
  }

  private static final ExampleImage PICTURE = new ExampleImage.Encoded(new byte[] {1, 2, 3, 4});
  private static final ExampleImage BROKEN = new ExampleImage.Encoded(new byte[] {'!'});

  /** Bytes on disk of {@link #PICTURE} with a label of three letters. */
  private static final long RECORD = 8 + 3 + 3 + 4;

  @TempDir Path directory;
  private final TestDisk disk = new TestDisk();
  private final List<SpooledUpload> committed = new ArrayList<>();
  private final List<Spool> spools = new ArrayList<>();
  private JobStore store = new JobStore(Path.of(""), disk);

  /** Ends a check; null: at once. */
  private volatile @Nullable CountDownLatch holdChecks;

  @BeforeEach
  void open() throws IOException {
    store = new JobStore(directory, disk);
    store.open();
  }

  @AfterEach
  void close() {
    spools.forEach(Spool::close);
  }

  @Test
  void add_manyExamples_readBackInOrderInEveryForm() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload upload = upload(spool, "one", 1_000);
    ExampleImage raw = new ExampleImage.Raw(new RgbImage(1, 2, new byte[] {1, -1, 2, -2, 3, -3}));
    ExampleImage pixels = new ExampleImage.Pixels(new float[] {0.5f, -0f, Float.MIN_VALUE});
    assertEquals(1, TestJobs.get(upload.add(PICTURE, "ant")));
    assertEquals(2, TestJobs.get(upload.add(raw, "bee")));
    assertEquals(3, TestJobs.get(upload.add(pixels, "кот")));
    try (SpoolReader reader = SpoolReader.open(spoolOf("one"), 3)) {
      assertEquals(List.of("ant", "bee", "кот"), labels(reader));
      assertArrayEquals(new byte[] {1, 2, 3, 4}, ((ExampleImage.Encoded) reader.image(0)).bytes());
      RgbImage back = ((ExampleImage.Raw) reader.image(1)).image();
      assertEquals(1, back.width());
      assertEquals(2, back.height());
      assertArrayEquals(new byte[] {1, -1, 2, -2, 3, -3}, back.rgb());
      float[] values = ((ExampleImage.Pixels) reader.image(2)).values();
      assertArrayEquals(new float[] {0.5f, -0f, Float.MIN_VALUE}, values);
    }
  }

  @Test
  void add_whileASyncRuns_nextSyncIsShared() throws Exception {
    CountDownLatch hold = new CountDownLatch(1);
    disk.holdFirstForce = hold;
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload upload = upload(spool, "one", 1_000);
    List<CompletableFuture<Long>> added = new ArrayList<>();
    added.add(upload.add(PICTURE, "ant"));
    while (disk.forces.get() == 0) {
      Thread.onSpinWait();
    }
    for (int i = 0; i < 100; i++) {
      added.add(upload.add(PICTURE, "ant"));
    }
    CompletableFuture<Void> allChecked = new CompletableFuture<>();
    spool.check(() -> allChecked.complete(null));
    TestJobs.get(allChecked);
    assertFalse(added.get(1).isDone());
    hold.countDown();
    assertEquals(101, TestJobs.get(added.get(100)));
    // The last of two checks may have ended after the spool took the others.
    assertTrue(disk.forces.get() <= 3, disk.forces::toString);
  }

  @Test
  void add_acknowledged_wasForcedBefore() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload upload = upload(spool, "one", 1_000);
    List<CompletableFuture<Boolean>> safe = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      safe.add(upload.add(PICTURE, "ant").thenApply(n -> disk.forcedBytes.get() >= n * RECORD));
    }
    for (CompletableFuture<Boolean> each : safe) {
      assertTrue(TestJobs.get(each));
    }
  }

  @Test
  void add_checksEndInAnyOrder_spoolKeepsTheCallersOrder() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    CountDownLatch first = new CountDownLatch(1);
    ExampleCheck check =
        image -> {
          if (((ExampleImage.Encoded) image).bytes()[0] == 0) {
            Uninterruptibly.run(first::await);
          }
          return null;
        };
    SpooledUpload upload = upload(spool, "one", 1_000, check, List.of());
    List<CompletableFuture<Long>> added = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      added.add(upload.add(new ExampleImage.Encoded(new byte[] {(byte) i}), "l" + i));
    }
    CompletableFuture<Void> othersChecked = new CompletableFuture<>();
    spool.check(() -> othersChecked.complete(null));
    TestJobs.get(othersChecked);
    assertFalse(added.get(19).isDone());
    first.countDown();
    TestJobs.get(added.get(19));
    try (SpoolReader reader = SpoolReader.open(spoolOf("one"), 20)) {
      for (int i = 0; i < 20; i++) {
        assertEquals("l" + i, reader.label(i));
        assertEquals(i, ((ExampleImage.Encoded) reader.image(i)).bytes()[0]);
      }
    }
  }

  @Test
  void add_badExample_rejectedAlone() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload upload = upload(spool, "one", 1_000, SpoolTest::check, List.of("ant", "bee"));
    CompletableFuture<Long> before = upload.add(PICTURE, "ant");
    assertRefused("example.image.encoded", "NOT_AN_IMAGE", upload.add(BROKEN, "ant"));
    assertRefused("example.label", "UNKNOWN_LABEL", upload.add(PICTURE, "Ant"));
    assertRefused("example.label", "BAD_LABEL", upload.add(PICTURE, " "));
    assertRefused("example.label", "BAD_LABEL", upload.add(PICTURE, "x".repeat(257)));
    assertEquals(1, TestJobs.get(before));
    assertEquals(2, TestJobs.get(upload.add(PICTURE, "bee")));
    assertEquals(2 * RECORD, spool.spoolBytes());
  }

  @Test
  void add_moreThanTenThousandLabels_theNextIsRejectedAlone() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload upload = upload(spool, "one", 100_000);
    CompletableFuture<Long> last = CompletableFuture.completedFuture(0L);
    for (int i = 0; i < SpecRules.MAX_CLASSES; i++) {
      last = upload.add(PICTURE, "label " + i);
    }
    assertEquals(SpecRules.MAX_CLASSES, TestJobs.get(last));
    assertRefused("example.label", "TOO_MANY_LABELS", upload.add(PICTURE, "one more"));
    assertEquals(SpecRules.MAX_CLASSES + 1, TestJobs.get(upload.add(PICTURE, "label 0")));
  }

  @Test
  void add_bytesOfUpload_boundFailsTheUploadAlone() throws Exception {
    Spool spool = spool(new TrainingConfig(2, 2 * RECORD, 100 * RECORD, 1_000, 10));
    Upload small = upload(spool, "small", 1_000);
    Upload other = upload(spool, "other", 1_000);
    TestJobs.get(small.add(PICTURE, "ant"));
    TestJobs.get(small.add(PICTURE, "ant"));
    assertExhausted("UPLOAD_TOO_LARGE", small.add(PICTURE, "ant"));
    assertExhausted("UPLOAD_TOO_LARGE", small.commit());
    assertEquals(1, TestJobs.get(other.add(PICTURE, "ant")));
  }

  @Test
  void add_examplesOfUpload_boundFailsTheUpload() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload upload = upload(spool, "one", 2);
    TestJobs.get(upload.add(PICTURE, "ant"));
    TestJobs.get(upload.add(PICTURE, "ant"));
    assertExhausted("UPLOAD_TOO_LARGE", upload.add(PICTURE, "ant"));
  }

  @Test
  void add_bytesOfAllUploads_boundIsFreedByClosing() throws Exception {
    Spool spool = spool(new TrainingConfig(3, 100 * RECORD, 3 * RECORD, 1_000, 10));
    Upload first = upload(spool, "first", 1_000);
    Upload second = upload(spool, "second", 1_000);
    TestJobs.get(first.add(PICTURE, "ant"));
    TestJobs.get(first.add(PICTURE, "ant"));
    TestJobs.get(second.add(PICTURE, "ant"));
    assertExhausted("SPOOL_FULL", second.add(PICTURE, "ant"));
    first.close();
    second.close();
    settle(spool);
    assertEquals(0, spool.spoolBytes());
    Upload third = upload(spool, "third", 1_000);
    assertEquals(1, TestJobs.get(third.add(PICTURE, "ant")));
  }

  @Test
  void acquire_tooManyUploads_refusedUntilOneCloses() throws Exception {
    Spool spool = spool(new TrainingConfig(1, 1_000, 1_000, 1_000, 10));
    Upload first = upload(spool, "first", 1_000);
    ServingException e = assertThrows(ServingException.class, () -> upload(spool, "second", 1_000));
    assertEquals("TOO_MANY_UPLOADS", e.reason());
    assertEquals(ErrorCode.RESOURCE_EXHAUSTED, e.code());
    first.close();
    first.close();
    settle(spool);
    assertEquals(0, spool.openUploads());
    upload(spool, "third", 1_000).close();
  }

  @Test
  void add_moreThanMayWait_refusedAndTheUploadGoesOn() throws Exception {
    CountDownLatch hold = new CountDownLatch(1);
    holdChecks = hold;
    Spool spool = spool(new TrainingConfig(2, 1L << 40, 1L << 40, 1_000, 10));
    SpooledUpload upload = upload(spool, "one", 1_000_000);
    ExampleImage large =
        new ExampleImage.Encoded(new byte[(int) (Spool.MAX_PENDING_BYTES * 2 / 5)]);
    CompletableFuture<Long> first = upload.add(large, "ant");
    CompletableFuture<Long> second = upload.add(large, "ant");
    assertExhausted("UPLOAD_TOO_FAST", upload.add(large, "ant"));
    assertFalse(first.isDone() || second.isDone());
    upload.close(); // so that they need not be written
    hold.countDown();
    assertTrue(TestJobs.failure(first) instanceof ServingException);
    assertTrue(TestJobs.failure(second) instanceof ServingException);
    settle(spool);
    assertEquals(0, spool.spoolBytes());
    Upload next = upload(spool, "next", 1_000);
    assertEquals(1, TestJobs.get(next.add(PICTURE, "ant")));
  }

  @Test
  void add_diskFull_uploadFailsAndNothingElse() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload victim = upload(spool, "victim", 1_000);
    Upload other = upload(spool, "other", 1_000);
    TestJobs.get(other.add(PICTURE, "ant"));
    TestJobs.get(victim.add(PICTURE, "ant"));
    disk.bytesLeft.set(RECORD / 2);
    assertExhausted("DISK_FULL", victim.add(PICTURE, "ant"));
    assertExhausted("DISK_FULL", victim.add(PICTURE, "ant"));
    assertExhausted("DISK_FULL", victim.commit());
    victim.close();
    settle(spool);
    assertFalse(Files.exists(spoolOf("victim")));
    disk.bytesLeft.set(Long.MAX_VALUE);
    assertEquals(2, TestJobs.get(other.add(PICTURE, "bee")));
    try (SpoolReader reader = SpoolReader.open(spoolOf("other"), 2)) {
      assertEquals(List.of("ant", "bee"), labels(reader));
    }
    assertEquals(2 * RECORD, spool.spoolBytes());
  }

  @Test
  void add_syncFails_nothingIsAcknowledged() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload upload = upload(spool, "one", 1_000);
    disk.forceFails = true;
    ServingException e = (ServingException) TestJobs.failure(upload.add(PICTURE, "ant"));
    assertEquals(ErrorCode.INTERNAL, e.code());
    disk.forceFails = false;
    assertTrue(TestJobs.failure(upload.commit()) instanceof ServingException);
    assertEquals(0, committed.size());
  }

  @Test
  void close_withoutCommit_leavesNothing() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload upload = upload(spool, "one", 1_000);
    TestJobs.get(upload.add(PICTURE, "ant"));
    upload.close();
    settle(spool);
    try (Stream<Path> left = Files.list(directory.resolve("uploads"))) {
      assertEquals(0, left.count());
    }
    assertEquals(0, spool.spoolBytes());
    ServingException e = (ServingException) TestJobs.failure(upload.add(PICTURE, "ant"));
    assertEquals(ErrorCode.CANCELLED, e.code());
    assertEquals(0, committed.size());
  }

  @Test
  void commit_examplesStillOnTheirWay_waitsForThem() throws Exception {
    CountDownLatch hold = new CountDownLatch(1);
    holdChecks = hold;
    Spool spool = spool(TrainingConfig.DEFAULT);
    SpooledUpload upload = upload(spool, "one", 1_000);
    for (int i = 0; i < 10; i++) {
      CompletableFuture<Long> unused = upload.add(PICTURE, "ant");
    }
    CompletableFuture<TrainingJob> commit = upload.commit();
    upload.close(); // after a commit this means nothing
    assertFalse(commit.isDone());
    hold.countDown();
    assertEquals("one", TestJobs.get(commit).jobId());
    assertEquals(10, committed.get(0).accepted());
    assertEquals(
        "UPLOAD_COMMITTED",
        ((ServingException) TestJobs.failure(upload.add(PICTURE, "ant"))).reason());
    assertEquals(10 * RECORD, spool.spoolBytes());
  }

  @Test
  void close_ofTheSpool_endsUploadsAndFinishesCommits() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    SpooledUpload open = upload(spool, "open", 1_000);
    SpooledUpload ending = upload(spool, "ending", 1_000);
    CountDownLatch hold = new CountDownLatch(1);
    disk.holdFirstForce = hold;
    CompletableFuture<Long> added = ending.add(PICTURE, "ant");
    CompletableFuture<TrainingJob> commit = ending.commit();
    hold.countDown();
    spool.close();
    spool.close();
    assertEquals(1, TestJobs.get(added));
    assertEquals("ending", TestJobs.get(commit).jobId());
    assertEquals(
        "CLOSING", ((ServingException) TestJobs.failure(open.add(PICTURE, "ant"))).reason());
    assertThrows(ServingException.class, () -> upload(spool, "late", 1_000));
  }

  @Test
  void open_uploadsLeftByACrash_vanish() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    TestJobs.get(upload(spool, "one", 1_000).add(PICTURE, "ant"));
    new JobStore(directory, disk).open();
    assertFalse(Files.exists(spoolOf("one")));
  }

  @Test
  void read_damagedSpool_isDataLoss() throws Exception {
    Spool spool = spool(TrainingConfig.DEFAULT);
    Upload upload = upload(spool, "one", 1_000);
    TestJobs.get(upload.add(PICTURE, "ant"));
    TestJobs.get(upload.add(PICTURE, "bee"));
    byte[] whole = Files.readAllBytes(spoolOf("one"));
    for (int i = 0; i < whole.length; i++) {
      byte[] flipped = whole.clone();
      flipped[i] ^= 0x40;
      assertDamaged(flipped, 2);
      assertDamaged(Arrays.copyOf(whole, i), 2);
    }
    assertDamaged(whole, 1);
    assertDamaged(whole, 3);
  }

  private void assertDamaged(byte[] bytes, int examples) throws IOException {
    Path file = directory.resolve("damaged");
    Files.write(file, bytes);
    ServingException e =
        assertThrows(ServingException.class, () -> SpoolReader.open(file, examples).close());
    assertEquals(ErrorCode.DATA_LOSS, e.code());
  }

  private static void assertRefused(String field, String reason, CompletableFuture<?> future)
      throws Exception {
    ServingException e = (ServingException) TestJobs.failure(future);
    assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
    assertEquals(field, e.field());
    assertEquals(reason, e.reason());
  }

  private static void assertExhausted(String reason, CompletableFuture<?> future) throws Exception {
    ServingException e = (ServingException) TestJobs.failure(future);
    assertEquals(ErrorCode.RESOURCE_EXHAUSTED, e.code());
    assertEquals(reason, e.reason());
  }

  private static List<String> labels(SpoolReader reader) {
    List<String> labels = new ArrayList<>();
    for (int i = 0; i < reader.size(); i++) {
      labels.add(reader.label(i));
    }
    return labels;
  }

  private Path spoolOf(String uploadId) {
    return directory.resolve("uploads").resolve(uploadId).resolve("examples.spool");
  }

  /** Waits until the spool's thread has done all that was given to it. */
  private static void settle(Spool spool) throws Exception {
    CompletableFuture<Void> done = new CompletableFuture<>();
    spool.then(() -> done.complete(null));
    TestJobs.get(done);
  }

  private Spool spool(TrainingConfig config) {
    Spool spool = new Spool(store, config, 2, System::nanoTime, JobPeers.ALONE);
    spools.add(spool);
    spool.start();
    return spool;
  }

  private SpooledUpload upload(Spool spool, String id, long maxExamples) {
    ExampleCheck check =
        image -> {
          CountDownLatch hold = holdChecks;
          if (hold != null) {
            Uninterruptibly.run(hold::await);
          }
          return null;
        };
    return upload(spool, id, maxExamples, check, List.of());
  }

  private SpooledUpload upload(
      Spool spool, String id, long maxExamples, ExampleCheck check, List<String> classNames) {
    TrainingSpec spec = TestJobs.spec(id).decided(classNames, 1);
    SpooledUpload.Committer committer =
        upload -> {
          committed.add(upload);
          return CompletableFuture.completedFuture(
              new TrainingJob(
                  upload.id(),
                  spec,
                  JobState.QUEUED,
                  TrainingJob.Progress.NONE,
                  upload.accepted(),
                  null,
                  0,
                  null,
                  TestJobs.CLOCK.instant(),
                  null));
        };
    SpooledUpload upload =
        new SpooledUpload(UploadStart.fresh(id, spec, false), spool, check, committer, maxExamples);
    spool.acquireUpload(upload);
    return upload;
  }

  private static @Nullable RuntimeException check(ExampleImage image) {
    return image == BROKEN
        ? ServingException.invalid("NOT_AN_IMAGE", "example.image.encoded", "image: broken")
        : null;
  }
}
