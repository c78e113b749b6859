package dev.perennial.server.device;

import static dev.perennial.server.device.FakeServer.config;
import static dev.perennial.server.device.FakeServer.failure;
import static dev.perennial.server.device.FakeServer.get;
import static dev.perennial.server.device.FakeWorld.image;
import static dev.perennial.server.device.FakeWorld.version;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // a device is let go in the middle of a test
class DevicesTest {
  private static final LabelSet LABELS = FakeWorld.labels("cat", "dog", "tree");

  private static float[] poison() {
    float[] pixels = image("sketch", 1);
    pixels[0] = FakeEncoder.POISON;
    return pixels;
  }

  private static LabelSet poisonLabels() {
    return new LabelSet(
        List.of("good", "bad"),
        List.of(
            new LabelSet.Prompt("good", 0, List.of(1)),
            new LabelSet.Prompt("bad", 1, List.of(FakeEncoder.POISON))),
        List.of(List.of(), List.of()));
  }

  @Test
  void classify_noTasks_isTheFrozenModelInOnePass() {
    try (FakeServer server = FakeServer.start()) {
      Classification answer = get(server.classify(image("sketch", 1), LABELS));
      Classification expected =
          FakeWorld.classify(server.pool.snapshot(), image("sketch", 1), LABELS);
      assertArrayEquals(expected.probabilities(), answer.probabilities(), 1e-5f);
      assertEquals(null, answer.routing());
      DeviceStats stats = server.devices.stats().get(0);
      assertEquals(1, stats.firstPassRows());
      assertEquals(0, stats.secondPassRows());
      assertEquals(1, stats.skippedSecondPasses());
      assertEquals(3, stats.textRows());
    }
  }

  @Test
  void classify_imageOfATask_takesTwoPassesAndTextsOfItsSegmentOnly() {
    try (FakeServer server = FakeServer.start()) {
      get(server.devices.installed(server.pool.publish(version("sketch", 0)).epoch()));
      Classification answer = get(server.classify(image("sketch", 1), LABELS));
      Classification.Routing routing = Objects.requireNonNull(answer.routing());
      assertEquals("sketch", routing.task());
      assertTrue(routing.gateWeight() > 0.9f, routing.toString());
      DeviceStats stats = server.devices.stats().get(0);
      assertEquals(1, stats.secondPassRows());
      assertTrue(stats.textRows() == 3 || stats.textRows() == 6, "texts: " + stats.textRows());

      get(server.classify(image("sketch", 1), FakeWorld.labels("cat", "dog", "tree")));
      DeviceStats again = server.devices.stats().get(0);
      assertEquals(stats.textRows(), again.textRows());
      assertEquals(stats.textCacheHits() + 1, again.textCacheHits());
    }
  }

  @Test
  void classify_labelSetsThatOverlap_shareTheirTexts() {
    try (FakeServer server = FakeServer.start()) {
      get(server.classify(image("sketch", 1), LABELS));
      get(server.classify(image("sketch", 1), FakeWorld.labels("tree", "cat", "bus")));
      assertEquals(4, server.devices.stats().get(0).textRows());
    }
  }

  @Test
  void install_versionServedNoMore_itsTextsAreForgottenAndTheOthersKept() {
    try (FakeServer server = FakeServer.start()) {
      long first = server.pool.publish(version("sketch", 0)).epoch();
      get(server.devices.installed(first));
      get(server.classify(image("sketch", 1), LABELS));
      get(server.classify(image("unseen", 1), LABELS));
      long texts = server.devices.stats().get(0).textRows();
      String firstId = server.pool.snapshot().tasks().get(0).versionId();
      get(server.devices.installed(server.pool.publish(version("sketch", 1)).epoch()));
      get(server.classify(image("unseen", 1), LABELS));
      assertEquals(texts, server.devices.stats().get(0).textRows());
      get(server.devices.installed(server.pool.activate("sketch", firstId).epoch()));
      get(server.classify(image("sketch", 1), LABELS));
      assertTrue(server.devices.stats().get(0).textRows() > texts);
    }
  }

  @Test
  void classify_imageFarFromAllTasks_skipsTheSecondPassAndStillNamesTheTask() {
    try (FakeServer server = FakeServer.start()) {
      get(server.devices.installed(server.pool.publish(version("sketch", 0)).epoch()));
      Classification answer = get(server.classify(image("unseen", 1), LABELS));
      Classification.Routing routing = Objects.requireNonNull(answer.routing());
      assertEquals("sketch", routing.task());
      assertTrue(routing.gateWeight() <= 1e-5f);
      assertEquals(0, server.devices.stats().get(0).secondPassRows());
    }
  }

  @Test
  void classify_labelsBeyondTheCaches_areAnsweredAllTheSame() {
    try (FakeServer server = new FakeServer(config(List.of("cpu"), 8, 100, 2000))) {
      LabelSet many = FakeWorld.manyLabels("label", 700);
      Classification answer = get(server.classify(image("sketch", 1), many));
      Classification expected =
          FakeWorld.classify(server.pool.snapshot(), image("sketch", 1), many);
      assertArrayEquals(expected.probabilities(), answer.probabilities(), 1e-5f);
      assertArrayEquals(
          answer.probabilities(), get(server.classify(image("sketch", 1), many)).probabilities());
      assertTrue(
          server.encoder().batches.stream()
              .allMatch(batch -> batch.images() || batch.size() == TextFeatures.CALL_ROWS));
    }
  }

  @Test
  void classify_manyLabelsOfOne_othersAreServedBetweenTheChunks() {
    try (FakeServer server = FakeServer.start()) {
      get(server.classify(image("sketch", 1), LABELS));
      CompletableFuture<Classification> large;
      CompletableFuture<Classification> small;
      try (FakeServer.Held held = server.hold()) {
        large = server.classify(image("sketch", 1), FakeWorld.manyLabels("label", 2000));
        held.awaitEntered();
        CompletableFuture<Boolean> first = new CompletableFuture<>();
        small = server.classify(image("sketch", 2), LABELS, Long.MAX_VALUE, "another");
        CompletableFuture<Classification> slow = large;
        var unused = small.thenAccept(answer -> first.complete(!slow.isDone()));
        held.close();
        assertTrue(get(first));
      }
      get(large);
      get(small);
    }
  }

  @Test
  void classify_taskClassesAndAllKnown_followThePool() {
    try (FakeServer server = FakeServer.start()) {
      server.pool.publish(version("sketch", 0));
      get(server.devices.installed(server.pool.publish(version("thermal", 0)).epoch()));
      Classification ofTask =
          get(server.classify(image("sketch", 1), new Candidates.TaskClasses("thermal")));
      assertEquals(List.of("thermal one", "thermal two", "shared"), ofTask.labels().labels());
      Classification ofAll =
          get(server.classify(image("sketch", 1), new Candidates.AllKnown(null)));
      assertEquals(
          List.of("sketch one", "sketch two", "shared", "thermal one", "thermal two"),
          ofAll.labels().labels());
      assertEquals(6, ofAll.labels().prompts().size());
      Classification expected =
          FakeWorld.classify(server.pool.snapshot(), image("sketch", 1), ofAll.labels());
      assertArrayEquals(expected.probabilities(), ofAll.probabilities(), 1e-4f);
    }
  }

  @Test
  void classify_unknownTaskOrNoTasks_fails() {
    try (FakeServer server = FakeServer.start()) {
      ServingException unknown =
          failure(server.classify(image("sketch", 1), new Candidates.TaskClasses("nothing")));
      assertEquals(ErrorCode.NOT_FOUND, unknown.code());
      assertEquals("TASK_NOT_FOUND", unknown.reason());
      assertEquals("label_set.task", unknown.field());
      ServingException none =
          failure(server.classify(image("sketch", 1), new Candidates.AllKnown(null)));
      assertEquals(ErrorCode.FAILED_PRECONDITION, none.code());
      assertEquals("NO_TASKS", none.reason());
      assertEquals(0, server.devices.stats().get(0).firstPassRows());
    }
  }

  @Test
  void classify_badPixelsOrNoLabels_failsAtOnce() {
    try (FakeServer server = FakeServer.start()) {
      assertEquals(
          ErrorCode.INVALID_ARGUMENT, failure(server.classify(new float[3], LABELS)).code());
      assertEquals(
          ErrorCode.INVALID_ARGUMENT,
          failure(server.classify(image("sketch", 1), FakeWorld.labels())).code());
    }
  }

  @Test
  void classify_queueFull_isRefusedWithATimeToTryAgain() {
    try (FakeServer server = new FakeServer(config(List.of("cpu"), 2, 3, 1 << 20))) {
      List<CompletableFuture<Classification>> accepted = new ArrayList<>();
      try (FakeServer.Held held = server.hold()) {
        accepted.add(server.classify(image("sketch", 0), LABELS));
        held.awaitEntered();
        for (int i = 1; i <= 3; i++) {
          accepted.add(server.classify(image("sketch", i), LABELS));
        }
        ServingException refused = failure(server.classify(image("sketch", 9), LABELS));
        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refused.code());
        assertEquals("QUEUE_FULL", refused.reason());
        assertNotNull(refused.retryAfter());
        assertEquals(4, server.devices.inFlight());
      }
      accepted.forEach(FakeServer::get);
      assertEquals(1, server.devices.stats().get(0).refused());
    }
  }

  @Test
  void classify_deadlinePassesInTheQueue_neverReachesTheDevice() {
    try (FakeServer server = FakeServer.start()) {
      CompletableFuture<Classification> late;
      CompletableFuture<Classification> first;
      try (FakeServer.Held held = server.hold()) {
        first = server.classify(image("sketch", 0), LABELS);
        held.awaitEntered();
        late = server.classify(image("sketch", 1), LABELS, server.clock.get() + 1000, "source");
        server.clock.addAndGet(1000);
      }
      ServingException expired = failure(late);
      assertEquals(ErrorCode.DEADLINE_EXCEEDED, expired.code());
      get(first);
      get(server.classify(image("sketch", 2), LABELS));
      DeviceStats stats = server.devices.stats().get(0);
      assertEquals(2, stats.firstPassRows());
      assertEquals(1, stats.expired());
    }
  }

  @Test
  void classify_deadlinePassesWhileItsLabelsAreComputed_expires() {
    try (FakeServer server = FakeServer.start()) {
      FakeEncoder encoder = server.encoder();
      encoder.before =
          batch -> {
            if (!batch.images()) {
              server.clock.addAndGet(1000);
            }
          };
      CompletableFuture<Classification> late =
          server.classify(
              image("sketch", 0),
              FakeWorld.manyLabels("label", 2000),
              server.clock.get() + 1000,
              "source");
      assertEquals(ErrorCode.DEADLINE_EXCEEDED, failure(late).code());
      get(server.classify(image("sketch", 2), LABELS));
      long calls = encoder.batches.stream().filter(batch -> !batch.images()).count();
      long oneChunk = TextFeatures.CHUNK_ROWS / TextFeatures.CALL_ROWS;
      assertTrue(calls <= oneChunk + 1, "calls of the text tower: " + calls);
    }
  }

  @Test
  void classify_deadlineAlreadyPassed_fails() {
    try (FakeServer server = FakeServer.start()) {
      CompletableFuture<Classification> late =
          server.classify(image("sketch", 1), LABELS, server.clock.get(), "source");
      assertEquals(ErrorCode.DEADLINE_EXCEEDED, failure(late).code());
    }
  }

  @Test
  void classify_cancelledInTheQueue_neverReachesTheDevice() {
    try (FakeServer server = FakeServer.start()) {
      CompletableFuture<Classification> cancelled;
      CompletableFuture<Classification> other;
      try (FakeServer.Held held = server.hold()) {
        get(server.devices.installed(0));
        CompletableFuture<Classification> first = server.classify(image("sketch", 0), LABELS);
        held.awaitEntered();
        cancelled = server.classify(image("sketch", 1), LABELS);
        other = server.classify(image("sketch", 2), LABELS);
        cancelled.cancel(true);
        assertEquals(2, server.devices.inFlight());
        held.close();
        get(first);
      }
      get(other);
      assertThrows(CancellationException.class, cancelled::join);
      assertEquals(2, server.devices.stats().get(0).firstPassRows());
    }
  }

  @Test
  void classify_onePoisonousRow_onlyItFails() {
    try (FakeServer server = FakeServer.start()) {
      List<CompletableFuture<Classification>> good = new ArrayList<>();
      CompletableFuture<Classification> bad;
      try (FakeServer.Held held = server.hold()) {
        good.add(server.classify(image("sketch", 0), LABELS));
        held.awaitEntered();
        for (int i = 0; i < 3; i++) {
          good.add(server.classify(image("sketch", i), LABELS));
        }
        bad = server.classify(poison(), LABELS);
        for (int i = 0; i < 3; i++) {
          good.add(server.classify(image("thermal", i), LABELS));
        }
      }
      assertEquals(ErrorCode.INTERNAL, failure(bad).code());
      good.forEach(FakeServer::get);
      assertEquals(1, server.devices.stats().get(0).failed());
      get(server.classify(image("sketch", 2), LABELS));
    }
  }

  @Test
  void classify_onePoisonousLabel_onlyItsRowsFail() {
    try (FakeServer server = FakeServer.start()) {
      CompletableFuture<Classification> bad;
      CompletableFuture<Classification> good;
      try (FakeServer.Held held = server.hold()) {
        CompletableFuture<Classification> first = server.classify(image("sketch", 0), LABELS);
        held.awaitEntered();
        bad = server.classify(image("sketch", 1), poisonLabels());
        good = server.classify(image("sketch", 2), FakeWorld.labels("bird", "fish"));
        held.close();
        get(first);
      }
      assertEquals(ErrorCode.INTERNAL, failure(bad).code());
      get(good);
    }
  }

  @Test
  void classify_featuresNotFinite_fails() {
    try (FakeServer server = FakeServer.start()) {
      float[] pixels = image("sketch", 1);
      pixels[5] = Float.NaN;
      assertEquals(ErrorCode.INTERNAL, failure(server.classify(pixels, LABELS)).code());
    }
  }

  @Test
  void close_callersWaiting_allFailUnavailable() throws InterruptedException {
    FakeServer server = FakeServer.start();
    List<CompletableFuture<Classification>> waiting = new ArrayList<>();
    FakeServer.Held held = server.hold();
    CompletableFuture<Classification> running = server.classify(image("sketch", 0), LABELS);
    held.awaitEntered();
    for (int i = 0; i < 20; i++) {
      waiting.add(server.classify(image("sketch", i), LABELS));
    }
    CompletableFuture<Boolean> step = server.devices.workers().get(0).step(model -> true);
    CompletableFuture<Boolean> stepFailedFirst =
        waiting.get(0).handle((answer, error) -> step.isCompletedExceptionally());
    CompletableFuture<Void> epoch = server.devices.installed(99);
    Thread closing = new Thread(server::close);
    closing.start();
    assertTrue(get(stepFailedFirst)); // once a caller has heard of it, nothing new starts
    assertEquals(ErrorCode.UNAVAILABLE, failure(waiting.get(19)).code());
    held.close();
    get(running); // what is in hand is finished
    waiting.forEach(future -> assertEquals("SHUTTING_DOWN", failure(future).reason()));
    assertEquals(ErrorCode.UNAVAILABLE, failure(step).code());
    assertEquals(ErrorCode.UNAVAILABLE, failure(epoch).code());
    assertEquals(
        ErrorCode.UNAVAILABLE, failure(server.classify(image("sketch", 0), LABELS)).code());
    assertEquals(
        ErrorCode.UNAVAILABLE, failure(server.devices.workers().get(0).step(model -> true)).code());
    closing.join();
    server.close();
    assertTrue(server.encoder().closed);
    assertEquals(0, server.devices.inFlight());
  }

  @Test
  void start_oneDeviceFails_failsAsAWholeAndClosesTheOthers() {
    FakeEncoder good = new FakeEncoder();
    ServingException why =
        ServingException.invalid("UNKNOWN_DEVICE", "device", "device: cuda:7 (expected: cuda:0)");
    FakeServer server =
        new FakeServer(
            List.of("cpu", "cuda:7"),
            List.of(
                () -> good,
                () -> {
                  throw why;
                }));
    assertEquals(why, assertThrows(ServingException.class, server.devices::start));
    assertTrue(good.closed);
    assertEquals(
        ErrorCode.UNAVAILABLE, failure(server.classify(image("sketch", 0), LABELS)).code());
    server.close();
  }

  @Test
  void classify_deviceDies_othersGoOnAndWithoutAnyItIsUnavailable() {
    FakeEncoder dying = new FakeEncoder();
    FakeEncoder living = new FakeEncoder();
    FakeServer server = new FakeServer(List.of("cpu", "cpu"), List.of(() -> dying, () -> living));
    server.devices.start();
    dying.before =
        batch -> {
          throw new AssertionError("the device is gone");
        };
    int lost = 0;
    for (int i = 0; i < 10; i++) {
      CompletableFuture<Classification> answer = server.classify(image("sketch", i), LABELS);
      try {
        answer.join();
      } catch (CompletionException e) {
        assertEquals("DEVICE_FAILED", failure(answer).reason());
        lost++;
      }
    }
    assertEquals(1, lost);
    assertFalse(server.devices.stats().get(0).healthy());
    get(server.devices.installed(server.pool.publish(version("sketch", 0)).epoch()));
    living.before = dying.before;
    assertEquals("DEVICE_FAILED", failure(server.classify(image("sketch", 0), LABELS)).reason());
    assertEquals("NO_DEVICE", failure(server.classify(image("sketch", 0), LABELS)).reason());
    server.close();
    assertTrue(dying.closed && living.closed);
  }

  @Test
  void classify_everyBatchFails_deviceIsOutOfServiceAndNotOnlyTheRequestFails() {
    FakeServer server = FakeServer.start();
    server.encoder().before =
        batch -> {
          throw new IllegalStateException("CUDA error: an illegal memory access was encountered");
        };
    assertEquals("DEVICE_FAILED", failure(server.classify(image("sketch", 0), LABELS)).reason());
    get(server.devices.outOfService());
    assertFalse(server.devices.stats().get(0).healthy());
    ServingException refused = failure(server.classify(image("sketch", 0), LABELS));
    assertEquals(ErrorCode.UNAVAILABLE, refused.code());
    server.close();
    assertTrue(server.encoder().closed);
  }

  @Test
  void classify_labelTextsFailAndThenEverything_parkedRowsHearThatTheDeviceFailed() {
    FakeServer server = FakeServer.start();
    server.encoder().before =
        batch -> {
          if (!batch.images()) {
            server.encoder().before =
                next -> {
                  throw new IllegalStateException("CUDA error: device-side assert triggered");
                };
            throw new IllegalStateException("CUDA error: device-side assert triggered");
          }
        };
    assertEquals("DEVICE_FAILED", failure(server.classify(image("sketch", 0), LABELS)).reason());
    get(server.devices.outOfService());
    server.close();
  }

  @Test
  void step_failsAndDeviceWithIt_outOfService() {
    FakeServer server = FakeServer.start();
    server.encoder().before =
        batch -> {
          throw new IllegalStateException("CUDA error: unspecified launch failure");
        };
    CompletableFuture<Boolean> step = server.devices.workers().get(0).step(model -> true);
    assertThrows(CompletionException.class, step::join); // there is no model behind the encoder
    get(server.devices.outOfService());
    server.close();
  }

  @Test
  void step_failsAlone_deviceGoesOn() {
    try (FakeServer server = FakeServer.start()) {
      CompletableFuture<Boolean> step = server.devices.workers().get(0).step(model -> true);
      assertThrows(CompletionException.class, step::join); // there is no model behind the encoder
      get(server.classify(image("sketch", 0), LABELS));
      assertFalse(server.devices.outOfService().isDone());
    }
  }

  /** Else the next request would go by what is not so any more. */
  @Test
  void inFlight_whenTheCallerHearsOfTheEnd_countsItNoMore() {
    try (FakeServer server = FakeServer.start()) {
      EmbedQuery.Input.Tokens text = new EmbedQuery.Input.Tokens(List.of(5, 6));
      assertEquals(0, inFlightAtTheEnd(server, () -> server.classify(image("sketch", 1), LABELS)));
      assertEquals(0, inFlightAtTheEnd(server, () -> server.classify(poison(), LABELS)));
      assertEquals(0, inFlightAtTheEnd(server, () -> embed(server, text, null, 0)));
    }
  }

  private static int inFlightAtTheEnd(FakeServer server, Supplier<CompletableFuture<?>> request) {
    CompletableFuture<Integer> seen;
    try (FakeServer.Held held = server.hold()) {
      seen = request.get().handle((answer, error) -> server.devices.inFlight());
      held.awaitEntered();
    }
    return get(seen);
  }

  @Test
  void classify_twoDevices_goesToTheLessLoaded() {
    FakeEncoder first = new FakeEncoder();
    FakeEncoder second = new FakeEncoder();
    FakeServer server = new FakeServer(List.of("cpu", "cpu"), List.of(() -> first, () -> second));
    server.devices.start();
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch entered = new CountDownLatch(1);
    first.before =
        batch -> {
          entered.countDown();
          FakeServer.await(release);
        };
    List<CompletableFuture<Classification>> answers = new ArrayList<>();
    answers.add(server.classify(image("sketch", 0), LABELS));
    FakeServer.await(entered);
    for (int i = 0; i < 5; i++) {
      get(server.classify(image("sketch", i), LABELS)); // would wait for ever on the first
    }
    release.countDown();
    answers.forEach(FakeServer::get);
    server.close();
  }

  @Test
  void installed_idleDevice_wakesUp() {
    try (FakeServer server = FakeServer.start()) {
      get(server.devices.installed(0));
      long epoch = server.pool.publish(version("sketch", 0)).epoch();
      get(server.devices.installed(epoch));
      assertEquals(epoch, server.devices.stats().get(0).epoch());
    }
  }

  @Test
  void installed_prefixesCannotBePlaced_failsAndTheOldEpochGoesOn() {
    try (FakeServer server = FakeServer.start()) {
      server.encoder().beforeInstall =
          tasks -> {
            throw new IllegalStateException("no memory");
          };
      long epoch = server.pool.publish(version("sketch", 0)).epoch();
      assertEquals("NOT_INSTALLED", failure(server.devices.installed(epoch)).reason());
      assertEquals(0, get(server.classify(image("sketch", 0), LABELS)).epoch());
      server.encoder().beforeInstall = tasks -> {};
      get(server.devices.installed(server.pool.publish(version("sketch", 1)).epoch()));
    }
  }

  @Test
  void embed_imagesAndTexts_withAndWithoutTask() {
    try (FakeServer server = FakeServer.start()) {
      get(server.devices.installed(server.pool.publish(version("sketch", 0)).epoch()));
      float[] pixels = image("sketch", 1);
      EmbedQuery.Input.Pixels picture = new EmbedQuery.Input.Pixels(pixels);
      EmbedQuery.Input.Tokens text = new EmbedQuery.Input.Tokens(List.of(5, 6));
      var prefixes = version("sketch", 0).prefixes();
      assertArrayEquals(
          FakeEncoder.image(pixels, null, 0), get(embed(server, picture, null, 0.7f)).values());
      assertArrayEquals(
          FakeEncoder.image(pixels, prefixes, 0.7f),
          get(embed(server, picture, "sketch", 0.7f)).values());
      assertArrayEquals(
          FakeEncoder.text(new int[] {5, 6}, prefixes, 0.7f),
          get(embed(server, text, "sketch", 0.7f)).values());
      ServingException unknown = failure(embed(server, text, "nothing", 0.7f));
      assertEquals("TASK_NOT_FOUND", unknown.reason());
      assertEquals("task", unknown.field());
      assertEquals("gate_weight", failure(embed(server, text, "sketch", Float.NaN)).field());
    }
  }

  private static CompletableFuture<Embedding> embed(
      FakeServer server, EmbedQuery.Input input, @Nullable String task, float gateWeight) {
    return server.devices.embed(new EmbedQuery(input, task, gateWeight, Long.MAX_VALUE, "source"));
  }
}
