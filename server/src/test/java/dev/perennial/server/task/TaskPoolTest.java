package dev.perennial.server.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class TaskPoolTest {
  private final InMemoryTaskStore store = new InMemoryTaskStore();
  private final TaskPool pool = open(store);

  private static TaskPool open(TaskStore store) {
    return TaskPool.open(store, TaskVersions.BACKBONE, TaskVersions.EMBED_DIM);
  }

  private static List<String> names(PoolSnapshot snapshot) {
    return snapshot.tasks().stream().map(ActiveTask::name).toList();
  }

  private static void assertFails(ErrorCode code, String reason, Executable action) {
    ServingException e = assertThrows(ServingException.class, action);
    assertEquals(reason, e.reason());
    assertEquals(code, e.code());
  }

  @Test
  void hold_byTwoAtOnce_isKeptUntilBothLetGo() {
    ByteBuffer file = ByteBuffer.wrap(TaskVersionFile.write(TaskVersions.random("cats", 1)));
    Manifest wanted;
    try (TaskPool author = open(new InMemoryTaskStore())) {
      author.publish(file);
      wanted = author.manifest();
    }
    String id = pool.hold(file);
    assertEquals(id, pool.hold(file)); // the same upload, sent again
    pool.release(id);
    assertEquals(Set.of(), pool.missing(wanted));
    pool.release(id);
    assertEquals(Set.of(id), pool.missing(wanted));
  }

  @Test
  void open_newStore_emptyAtEpochZero() {
    assertEquals(0, pool.snapshot().epoch());
    assertEquals(List.of(), pool.snapshot().tasks());
    assertEquals(List.of(), pool.taskNames());
  }

  @Test
  void publish_severalTasks_servedByNameAndSurviveReopening() {
    pool.publish(TaskVersions.random("pens", 1));
    pool.publish(TaskVersions.random("cats", 1));
    PoolSnapshot last = pool.publish(TaskVersions.random("signs", 1));
    assertEquals(List.of("cats", "pens", "signs"), names(last));
    assertEquals(3, last.epoch());
    assertEquals(1, last.slot("pens"));
    assertEquals(-1, last.slot("dogs"));
    PoolSnapshot reopened = open(store).snapshot();
    assertEquals(3, reopened.epoch());
    float[] probe = TaskVersions.features(new Random(3), 1);
    assertEquals(last.route(probe, 0), reopened.route(probe, 0));
    for (int slot = 0; slot < 3; slot++) {
      assertEquals(last.tasks().get(slot).versionId(), reopened.tasks().get(slot).versionId());
    }
  }

  @Test
  void publish_existingTask_newVersionActiveOldOneListed() {
    TaskVersion first = TaskVersions.random("cats", 1);
    TaskVersion second = TaskVersions.random("cats", 2);
    pool.publish(first);
    pool.publish(second);
    TaskHistory history = pool.history("cats");
    assertEquals(TaskVersions.id(second), history.activeVersionId());
    assertEquals(
        List.of(TaskVersions.id(second), TaskVersions.id(first)),
        history.versions().stream().map(VersionSummary::versionId).toList());
    VersionSummary summary = history.versions().get(1);
    assertEquals(VersionSummary.of(TaskVersions.id(first), first), summary);
    assertEquals(30, summary.examples());
    assertEquals(2 * (2 * 12 + 18), summary.parameters());
  }

  @Test
  void publish_sameVersionAgain_sameEpochAndOneEntry() {
    PoolSnapshot once = pool.publish(TaskVersions.random("cats", 1));
    assertSame(once, pool.publish(TaskVersions.random("cats", 1)));
    assertEquals(1, pool.history("cats").versions().size());
  }

  @Test
  void publish_manyVersions_oldestForgottenBeyondTheBound() {
    for (int seed = 0; seed < TaskPool.RETAINED_VERSIONS + 3; seed++) {
      pool.publish(TaskVersions.random("cats", seed));
    }
    List<VersionSummary> versions = pool.history("cats").versions();
    assertEquals(TaskPool.RETAINED_VERSIONS, versions.size());
    assertEquals(3, versions.get(versions.size() - 1).seed());
    assertEquals(TaskPool.RETAINED_VERSIONS, store.versionIds().size());
  }

  @Test
  void publish_otherBackboneOrEmbedDim_failsAndChangesNothing() {
    TaskVersion foreign = TaskVersions.random("cats", 1, "cd".repeat(32));
    assertFails(ErrorCode.FAILED_PRECONDITION, "BACKBONE_MISMATCH", () -> pool.publish(foreign));
    TaskPool wider = TaskPool.open(store, TaskVersions.BACKBONE, 16);
    assertFails(
        ErrorCode.FAILED_PRECONDITION,
        "BACKBONE_MISMATCH",
        () -> wider.publish(TaskVersions.random("cats", 1)));
    assertEquals(0, store.manifest().epoch());
    assertEquals(Set.of(), store.versionIds());
  }

  @Test
  void delete_task_allVersionsGoneEpochGoesOn() {
    pool.publish(TaskVersions.random("cats", 1));
    pool.publish(TaskVersions.random("cats", 2));
    PoolSnapshot kept = pool.publish(TaskVersions.random("pens", 1));
    PoolSnapshot after = pool.delete("cats");
    assertEquals(4, after.epoch());
    assertEquals(List.of("pens"), names(after));
    assertSame(kept.tasks().get(1), after.tasks().get(0));
    assertEquals(1, store.versionIds().size());
    assertFails(ErrorCode.NOT_FOUND, "TASK_NOT_FOUND", () -> pool.history("cats"));
    assertFails(ErrorCode.NOT_FOUND, "TASK_NOT_FOUND", () -> pool.delete("cats"));
    assertEquals(5, pool.delete("pens").epoch());
    assertEquals(5, open(store).snapshot().epoch());
  }

  @Test
  void delete_everyRoute_sameBitsAsBeforeTheTaskWasPublished() {
    pool.publish(TaskVersions.random("cats", 1));
    pool.publish(TaskVersions.random("pens", 1));
    float[] probes = TaskVersions.features(new Random(9), 20);
    List<Route> before = routes(pool.snapshot(), probes);
    pool.publish(TaskVersions.random("dogs", 1));
    pool.publish(TaskVersions.random("pens", 2));
    assertNotEquals(before, routes(pool.snapshot(), probes));
    pool.delete("dogs");
    pool.activate("pens", TaskVersions.id(TaskVersions.random("pens", 1)));
    assertEquals(before, routes(pool.snapshot(), probes));
  }

  private static List<Route> routes(PoolSnapshot snapshot, float[] probes) {
    List<Route> routes = new ArrayList<>();
    for (int at = 0; at < probes.length; at += TaskVersions.EMBED_DIM) {
      routes.add(snapshot.route(probes, at));
    }
    return routes;
  }

  @Test
  void activate_olderVersion_servesAndSurvivesReopening() {
    String first = pool.publish(TaskVersions.random("cats", 1)).tasks().get(0).versionId();
    String second = pool.publish(TaskVersions.random("cats", 2)).tasks().get(0).versionId();
    PoolSnapshot back = pool.activate("cats", first);
    assertEquals(3, back.epoch());
    assertEquals(first, back.tasks().get(0).versionId());
    assertSame(back, pool.activate("cats", first));
    assertEquals(first, open(store).snapshot().tasks().get(0).versionId());
    assertEquals(second, pool.activate("cats", second).tasks().get(0).versionId());
    assertEquals(second, pool.history("cats").versions().get(0).versionId());
  }

  @Test
  void activate_unknown_notFound() {
    String cats = pool.publish(TaskVersions.random("cats", 1)).tasks().get(0).versionId();
    pool.publish(TaskVersions.random("pens", 1));
    assertFails(ErrorCode.NOT_FOUND, "TASK_NOT_FOUND", () -> pool.activate("dogs", cats));
    assertFails(ErrorCode.NOT_FOUND, "VERSION_NOT_FOUND", () -> pool.activate("pens", cats));
  }

  @Test
  void open_damagedAndForeignVersions_theRestServesAndNothingIsRemoved() {
    String damaged = pool.publish(TaskVersions.random("cats", 1)).tasks().get(0).versionId();
    pool.publish(TaskVersions.random("pens", 1));
    store.damage(damaged);
    TaskPool other = TaskPool.open(store, "cd".repeat(32), TaskVersions.EMBED_DIM);
    assertEquals(2, other.unavailable().size());
    other.publish(TaskVersions.random("signs", 1, "cd".repeat(32)));

    TaskPool again = open(store);
    assertEquals(List.of("pens"), names(again.snapshot()));
    assertEquals(3, again.snapshot().epoch());
    assertEquals(
        List.of("cats", "signs"),
        again.unavailable().stream().map(UnavailableVersion::task).toList());
    assertTrue(again.unavailable().get(0).cause().startsWith("VERSION_DAMAGED"));
    assertTrue(again.unavailable().get(1).cause().startsWith("BACKBONE_MISMATCH"));
    assertTrue(again.unavailable().get(1).active());
    assertEquals(3, store.versionIds().size());
    assertEquals(List.of("cats", "pens", "signs"), again.taskNames());
    assertEquals(damaged, again.history("cats").activeVersionId());
    assertEquals(List.of(), again.history("cats").versions());
    assertFails(
        ErrorCode.FAILED_PRECONDITION,
        "BACKBONE_MISMATCH",
        () -> again.activate("signs", again.unavailable().get(1).versionId()));
    assertFails(ErrorCode.DATA_LOSS, "VERSION_DAMAGED", () -> again.activate("cats", damaged));
    for (int seed = 10; seed < 30; seed++) {
      again.publish(TaskVersions.random("cats", seed));
    }
    assertTrue(store.versionIds().contains(damaged));
    assertEquals(2, again.unavailable().size());
    assertFalse(again.unavailable().get(0).active());
    again.publish(TaskVersions.random("cats", 1));
    assertEquals(1, again.unavailable().size());
    assertEquals(damaged, again.history("cats").activeVersionId());
  }

  @Test
  void install_heldVersions_servedAtTheManifestsEpoch() {
    TaskPool author = open(new InMemoryTaskStore());
    author.publish(TaskVersions.random("cats", 1));
    author.publish(TaskVersions.random("pens", 1));
    Manifest manifest = author.manifest();
    assertEquals(manifest.versionIds(), pool.missing(manifest));
    assertThrows(IllegalStateException.class, () -> pool.install(manifest));
    assertEquals(0, store.manifest().epoch());
    for (String id : manifest.versionIds()) {
      assertEquals(id, pool.hold(author.versionBytes(id)));
    }
    assertEquals(Set.of(), pool.missing(manifest));
    assertTrue(pool.install(manifest));
    assertEquals(manifest, store.manifest());
    assertEquals(2, pool.snapshot().epoch());
    assertEquals(List.of("cats", "pens"), names(pool.snapshot()));
    PoolSnapshot now = pool.snapshot();
    assertTrue(pool.install(manifest));
    assertSame(now, pool.snapshot());
  }

  @Test
  void install_manifestThatDoesNotKnowAllOfOurs_refusedAndNothingChanges() {
    pool.publish(TaskVersions.random("cats", 1));
    TaskPool author = open(new InMemoryTaskStore());
    author.publish(TaskVersions.random("pens", 1));
    author.publish(TaskVersions.random("pens", 2));
    author.manifest().versionIds().forEach(id -> pool.hold(author.versionBytes(id)));
    assertFalse(pool.install(author.manifest()));
    assertEquals(List.of("cats"), names(pool.snapshot()));
    Manifest union = pool.decide(pool.manifest(), new PoolChange.Union(author.manifest()), 0);
    assertTrue(pool.install(union));
    assertEquals(3, pool.snapshot().epoch());
    assertEquals(List.of("cats", "pens"), names(pool.snapshot()));
    assertEquals(3, store.versionIds().size());
  }

  @Test
  void hold_released_fileGoesWithTheNextChange() {
    String released = pool.hold(ByteBuffer.wrap(bytes("cats", 1)));
    pool.publish(TaskVersions.random("pens", 1));
    assertTrue(store.versionIds().contains(released));
    pool.release(released);
    pool.publish(TaskVersions.random("pens", 2));
    assertFalse(store.versionIds().contains(released));
  }

  @Test
  void hold_moreThanStayLoaded_allInstalledFromTheirFiles() {
    TaskPool author = open(new InMemoryTaskStore());
    for (int seed = 0; seed <= StoredFiles.MAX_LOADED; seed++) {
      author.publish(TaskVersions.random("task-" + seed, seed));
    }
    author.manifest().versionIds().forEach(id -> pool.hold(author.versionBytes(id)));
    assertTrue(pool.install(author.manifest()));
    assertEquals(StoredFiles.MAX_LOADED + 1, pool.snapshot().tasks().size());
    assertEquals(Set.of(), pool.missing(author.manifest()));
  }

  @Test
  void hold_damagedActiveVersion_repairedUnderTheSameEpoch() {
    byte[] whole = bytes("cats", 1);
    String id = pool.publish(TaskVersions.random("cats", 1)).tasks().get(0).versionId();
    store.damage(id);
    TaskPool again = open(store);
    assertEquals(Set.of(id), again.damaged());
    assertEquals(List.of(), names(again.snapshot()));
    again.hold(ByteBuffer.wrap(whole));
    assertTrue(again.install(again.manifest()));
    assertEquals(Set.of(), again.damaged());
    assertEquals(List.of("cats"), names(again.snapshot()));
    assertEquals(1, again.snapshot().epoch());
  }

  private static byte[] bytes(String task, long seed) {
    return TaskVersionFile.write(TaskVersions.random(task, seed));
  }

  @Test
  void listen_changes_everySnapshotInOrderUntilClosed() throws Exception {
    List<Long> epochs = new ArrayList<>();
    pool.publish(TaskVersions.random("cats", 1));
    AutoCloseable registration = pool.listen(snapshot -> epochs.add(snapshot.epoch()));
    AutoCloseable broken =
        pool.listen(
            snapshot -> {
              throw new IllegalStateException("broken listener, on purpose");
            });
    pool.publish(TaskVersions.random("cats", 2));
    pool.publish(TaskVersions.random("cats", 2));
    pool.activate("cats", TaskVersions.id(TaskVersions.random("cats", 1)));
    pool.delete("cats");
    registration.close();
    broken.close();
    pool.publish(TaskVersions.random("cats", 3));
    assertEquals(List.of(2L, 3L, 4L), epochs);
  }

  @Test
  void listen_listenerChangesThePool_refused() {
    List<RuntimeException> refused = new ArrayList<>();
    pool.listen(
        snapshot ->
            refused.add(assertThrows(IllegalStateException.class, () -> pool.delete("cats"))));
    pool.publish(TaskVersions.random("cats", 1));
    assertEquals(1, refused.size());
    assertEquals(List.of("cats"), names(pool.snapshot()));
  }

  @Test
  void publish_manyThreads_epochsWithoutGapsAndReadersSeeThemGrow() throws Exception {
    List<Long> epochs = new ArrayList<>();
    pool.listen(snapshot -> epochs.add(snapshot.epoch()));
    CountDownLatch start = new CountDownLatch(1);
    ExecutorService threads = Executors.newFixedThreadPool(5);
    try {
      List<Future<?>> writers = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        String task = "task-" + t;
        writers.add(
            threads.submit(
                () -> {
                  start.await();
                  for (int seed = 0; seed < 20; seed++) {
                    pool.publish(TaskVersions.random(task, seed));
                  }
                  return null;
                }));
      }
      Future<?> reader =
          threads.submit(
              () -> {
                long last = 0;
                while (last < 80) {
                  PoolSnapshot seen = pool.snapshot();
                  assertTrue(seen.epoch() >= last);
                  last = seen.epoch();
                }
              });
      start.countDown();
      for (Future<?> writer : writers) {
        writer.get();
      }
      reader.get();
    } finally {
      threads.shutdownNow();
    }
    assertEquals(IntStream.rangeClosed(1, 80).mapToObj(i -> (long) i).toList(), epochs);
    assertEquals(4, pool.snapshot().tasks().size());
  }

  @Test
  void close_laterChange_unavailableReadingGoesOn() {
    pool.publish(TaskVersions.random("cats", 1));
    pool.close();
    pool.close();
    assertFails(ErrorCode.UNAVAILABLE, "POOL_CLOSED", () -> pool.delete("cats"));
    assertEquals(List.of("cats"), names(pool.snapshot()));
  }
}
