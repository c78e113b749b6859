package dev.perennial.server.device;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.server.task.InMemoryTaskStore;
import dev.perennial.server.task.TaskPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/** Devices over {@link FakeEncoder}s and a pool in memory, with a clock turned by hand. */
final class FakeServer implements AutoCloseable {
  final TaskPool pool =
      TaskPool.open(new InMemoryTaskStore(), FakeWorld.BACKBONE, FakeEncoder.EMBED_DIM);
  final AtomicLong clock = new AtomicLong();
  final List<FakeEncoder> encoders = Collections.synchronizedList(new ArrayList<>());
  final Devices devices;

  FakeServer(DevicesConfig config) {
    devices =
        new Devices(
            device ->
                () -> {
                  FakeEncoder encoder = new FakeEncoder();
                  encoders.add(encoder);
                  return encoder;
                },
            FakeEncoder.CLIP,
            FakeWorld.TOKENIZER,
            pool,
            config,
            clock::get);
    devices.start();
    encoders.forEach(encoder -> encoder.batches.clear()); // of the warm-up
  }

  /** With encoders of one's own; not started. */
  FakeServer(List<String> names, List<Encoder.Factory> factories) {
    List<Encoder.Factory> left = new ArrayList<>(factories);
    devices =
        new Devices(
            device -> left.remove(0),
            FakeEncoder.CLIP,
            FakeWorld.TOKENIZER,
            pool,
            config(names, 8, 100, 1 << 20),
            clock::get);
  }

  static FakeServer start() {
    return new FakeServer(config(List.of("cpu"), 8, 100, 1 << 20));
  }

  static DevicesConfig config(List<String> names, int batch, int queue, long textCacheBytes) {
    return new DevicesConfig(
        names, Precision.FP32, batch, queue, Duration.ZERO, 0.5, ScoringRule.UNION, textCacheBytes);
  }

  FakeEncoder encoder() {
    return encoders.get(0);
  }

  CompletableFuture<Classification> classify(float[] pixels, LabelSet labels) {
    return classify(pixels, labels, Long.MAX_VALUE, "source");
  }

  CompletableFuture<Classification> classify(
      float[] pixels, LabelSet labels, long deadlineNanos, Object source) {
    return devices.classify(
        new ImageQuery(
            pixels, new Candidates.Explicit(labels), ScoringRule.DIKI, deadlineNanos, source));
  }

  CompletableFuture<Classification> classify(float[] pixels, Candidates candidates) {
    return classify(pixels, candidates, ScoringRule.DIKI);
  }

  CompletableFuture<Classification> classify(
      float[] pixels, Candidates candidates, ScoringRule scoring) {
    return devices.classify(new ImageQuery(pixels, candidates, scoring, Long.MAX_VALUE, "source"));
  }

  /** Holds the device in its next batch until the latch is counted down. */
  Held hold() {
    return hold(encoder());
  }

  static Held hold(FakeEncoder encoder) {
    Held held = new Held(new CountDownLatch(1), new CountDownLatch(1));
    encoder.before =
        batch -> {
          encoder.before = next -> {};
          held.entered().countDown();
          await(held.release());
        };
    return held;
  }

  /** A device that stands in a batch. */
  record Held(CountDownLatch entered, CountDownLatch release) implements AutoCloseable {
    void awaitEntered() {
      await(entered);
    }

    @Override
    public void close() {
      release.countDown();
    }
  }

  static void await(CountDownLatch latch) {
    try {
      if (!latch.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException("latch: still closed after a minute");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The answer; a minute without one is a failure. */
  static <T> T get(CompletableFuture<T> future) {
    try {
      return future.get(60, TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  /** Why it failed. */
  static ServingException failure(CompletableFuture<?> future) {
    ExecutionException failed =
        assertThrows(ExecutionException.class, () -> future.get(60, TimeUnit.SECONDS));
    return assertInstanceOf(ServingException.class, failed.getCause());
  }

  @Override
  public void close() {
    devices.close();
    pool.close();
  }
}
