package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.FakeServer.Uploads;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Uploads, of examples that are given once, over two servers of which one goes. */
@Timeout(120)
class MovingUploadTest {
  private static final TrainingSpec SPEC = TrainingSpec.of("signs").requestId("r-1");
  private static final int STAGE = 4;

  private final CountDownLatch gate = new CountDownLatch(1);
  private final Map<FakeServer, Uploads> uploads = new ConcurrentHashMap<>();
  private final Map<FakeServer, CompletableFuture<Void>> cancelled = new ConcurrentHashMap<>();
  @RegisterExtension final FakeCluster cluster = new FakeCluster(2);

  private PerennialClient client;

  /** Examples that a resumed upload finds. */
  private volatile long left = STAGE;

  @BeforeEach
  void start() {
    client = cluster.connectToAll();
  }

  @AfterEach
  void stop() {
    gate.countDown();
  }

  /** So many, then as many behind the gate. */
  private Iterator<Example> examples() {
    return IntStream.range(0, 2 * STAGE)
        .mapToObj(
            i -> {
              if (i >= STAGE) {
                waitAtTheGate();
              }
              return new Example(Image.png(new byte[] {(byte) i}), "stop");
            })
        .iterator();
  }

  private void waitAtTheGate() {
    try {
      gate.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** All examples of the first stage are there, wherever the upload goes on. */
  private void takeUploads(boolean endAfterCommit) {
    for (FakeServer one : cluster.servers) {
      one.train =
          answer -> {
            CompletableFuture<Void> left = new CompletableFuture<>();
            ((ServerCallStreamObserver<TrainResponse>) answer)
                .setOnCancelHandler(() -> left.complete(null));
            cancelled.put(one, left);
            Uploads upload = new Taken(answer, endAfterCommit);
            uploads.put(one, upload);
            return upload;
          };
    }
  }

  private final class Taken extends Uploads {
    Taken(StreamObserver<TrainResponse> answer, boolean endAfterCommit) {
      super(
          answer,
          () -> {
            answer.onNext(FakeServer.event(FakeServer.job("job-1", "r-1", endAfterCommit)));
            if (endAfterCommit) {
              answer.onCompleted();
            }
          },
          () -> {});
    }

    @Override
    public void onNext(TrainRequest part) {
      super.onNext(part);
      if (part.getSpec().getResume()) {
        spooled(left);
      }
    }
  }

  private static List<Integer> pictures(Uploads upload) {
    return upload.parts.stream()
        .filter(TrainRequest::hasExample)
        .map(part -> (int) part.getExample().getImage().getEncoded().byteAt(0))
        .toList();
  }

  /** The server with the upload, once it has the first stage. */
  private FakeServer holder() {
    FakeCluster.await(
        () -> uploads.values().stream().anyMatch(one -> one.parts.size() == 1 + STAGE));
    return uploads.keySet().iterator().next();
  }

  private Uploads at(FakeServer one) {
    return Objects.requireNonNull(uploads.get(one));
  }

  private CompletableFuture<Void> left(FakeServer one) {
    return Objects.requireNonNull(cancelled.get(one));
  }

  @Test
  void serverDrains_sourceWaits_uploadLeavesAtOnceAndGoesOnAtTheOther() throws Exception {
    takeUploads(true);
    TrainingRun run = client.train(SPEC, Examples.once(examples()), TrainingListener.NONE);
    FakeServer first = holder();
    first.serving(false);
    left(first).get(60, TimeUnit.SECONDS);
    gate.countDown();
    run.await().orThrow();
    Uploads second = at(cluster.other(first));
    assertTrue(second.parts.get(0).getSpec().getResume());
    assertEquals(List.of(4, 5, 6, 7), pictures(second));
    assertEquals(1, first.arrived("/Train"));
  }

  @Test
  void serverKilled_sourceWaits_goesOnAtTheOther() {
    takeUploads(true);
    TrainingRun run = client.train(SPEC, Examples.once(examples()), TrainingListener.NONE);
    FakeServer first = holder();
    first.kill();
    gate.countDown();
    run.await().orThrow();
    assertEquals(List.of(4, 5, 6, 7), pictures(at(cluster.other(first))));
  }

  @Test
  void serverDrainsAfterTheCommit_jobIsWatchedAtTheOther() throws Exception {
    takeUploads(false);
    gate.countDown();
    TrainingRun run = client.train(SPEC, Examples.once(examples()), TrainingListener.NONE);
    run.committed().get(60, TimeUnit.SECONDS);
    FakeServer first = uploads.keySet().iterator().next();
    first.serving(false);
    run.await().orThrow();
    left(first).get(60, TimeUnit.SECONDS);
    assertEquals(1, cluster.other(first).arrived("WatchTrainingJob"));
    assertEquals(0, cluster.other(first).arrived("/Train"));
  }

  @Test
  void onlyServerDrains_uploadStays() {
    takeUploads(true);
    TrainingRun run = client.train(SPEC, Examples.once(examples()), TrainingListener.NONE);
    FakeServer first = holder();
    cluster.other(first).kill();
    first.serving(false);
    assertFalse(left(first).isDone());
    gate.countDown();
    run.await().orThrow();
    assertEquals(8, pictures(at(first)).size());
  }

  /** It still says that it serves, so only what this upload has seen of it speaks against it. */
  @Test
  void serverRefusesEveryUpload_theOtherIsAskedNext() {
    takeUploads(true);
    left = 0;
    gate.countDown();
    FakeServer bad = cluster.get(0);
    bad.train =
        answer -> {
          answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE));
          return new Uploads(answer, () -> {}, () -> {}) {
            @Override
            public void onNext(TrainRequest part) {}
          };
        };
    bad.watch = (request, answer) -> answer.onError(FakeServer.failure(Status.Code.UNAVAILABLE));
    for (int i = 1; i <= 10; i++) {
      client.train(SPEC, Examples.once(examples()), TrainingListener.NONE).await().orThrow();
      assertTrue(bad.arrived("/Train") <= i, bad.arrived("/Train") + " uploads");
      client.watchJob("job-1", TrainingListener.NONE).join();
      assertTrue(bad.arrived("WatchTrainingJob") <= i, "watches");
    }
  }

  @Test
  void onlyServerDrains_anotherComesBack_uploadMovesThere() throws Exception {
    takeUploads(true);
    TrainingRun run = client.train(SPEC, Examples.once(examples()), TrainingListener.NONE);
    FakeServer first = holder();
    FakeServer second = cluster.other(first);
    second.kill();
    first.serving(false);
    second.restart();
    left(first).get(60, TimeUnit.SECONDS);
    gate.countDown();
    run.await().orThrow();
    assertEquals(List.of(4, 5, 6, 7), pictures(at(second)));
    assertEquals(1, first.arrived("/Train"));
  }

  /** A pause of the source is no silence of the servers. */
  @Test
  void sourcePausedForLongerThanThePatience_serverKilled_goesOnAllTheSame() {
    client.close();
    client = cluster.connect(cluster.get(0).client().resumePatience(Duration.ofSeconds(2)));
    takeUploads(true);
    TrainingRun run = client.train(SPEC, Examples.once(examples()), TrainingListener.NONE);
    FakeServer first = holder();
    long since = System.nanoTime();
    FakeCluster.await(() -> System.nanoTime() - since > TimeUnit.MILLISECONDS.toNanos(2_200));
    first.kill();
    gate.countDown();
    run.await().orThrow();
  }
}
