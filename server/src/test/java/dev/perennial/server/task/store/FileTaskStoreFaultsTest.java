package dev.perennial.server.task.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersions;
import dev.perennial.server.task.store.FaultyFileOperations.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every step of every change fails in turn; afterwards the old state is there, or the new one. */
class FileTaskStoreFaultsTest {
  private static final String DISK_FULL = "No space left on device";

  private static final Map<String, Consumer<TaskPool>> CHANGES =
      Map.of(
          "publish a new task",
          pool -> pool.publish(TaskVersions.random("dogs", 1)),
          "publish a version that pushes the oldest out",
          pool -> pool.publish(TaskVersions.random("cats", 99)),
          "delete a task",
          pool -> pool.delete("cats"),
          "activate an older version",
          pool -> pool.activate("cats", id("cats", 3)));

  @TempDir Path temporary;

  private Path template;
  private int copies;

  private static String id(String task, long seed) {
    return TaskVersions.id(TaskVersions.random(task, seed));
  }

  private static FileTaskStore sound(Path directory) {
    return new FileTaskStore(directory, new FaultyFileOperations("never seen"));
  }

  private static TaskPool open(FileTaskStore store) {
    return TaskPool.open(store, TaskVersions.BACKBONE, TaskVersions.EMBED_DIM);
  }

  @BeforeEach
  void makeTemplate() {
    template = temporary.resolve("template");
    try (FileTaskStore store = sound(template)) {
      TaskPool pool = open(store);
      for (int seed = 0; seed < TaskPool.RETAINED_VERSIONS; seed++) {
        pool.publish(TaskVersions.random("cats", seed));
      }
      pool.publish(TaskVersions.random("pens", 1));
    }
  }

  private Path copyOfTemplate() throws IOException {
    Path copy = temporary.resolve("copy-" + copies++);
    try (Stream<Path> files = Files.walk(template)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(template.relativize(file).toString()));
      }
    }
    return copy;
  }

  /** What a reader of the folder finds; every version was read and checked on the way. */
  private static String stateOf(Path directory) {
    try (FileTaskStore store = sound(directory)) {
      TaskPool pool = open(store);
      assertEquals(List.of(), pool.unavailable());
      return store.manifest().toString();
    }
  }

  private String stateAfter(Consumer<TaskPool> change) throws IOException {
    Path copy = copyOfTemplate();
    try (FileTaskStore store = sound(copy)) {
      change.accept(open(store));
    }
    return stateOf(copy);
  }

  @ParameterizedTest
  @EnumSource
  void change_anyStepFails_oldStateOrNewNeverBetween(Fault fault) throws IOException {
    String before = stateOf(copyOfTemplate());
    for (Map.Entry<String, Consumer<TaskPool>> change : CHANGES.entrySet()) {
      String after = stateAfter(change.getValue());
      int steps = Integer.MAX_VALUE;
      int failures = 0;
      for (int step = 0; step < steps; step++) {
        Path copy = copyOfTemplate();
        FaultyFileOperations files = new FaultyFileOperations("broken disk, on purpose");
        boolean acknowledged = true;
        try (FileTaskStore store = new FileTaskStore(copy, files)) {
          TaskPool pool = open(store);
          files.failAfter(step, fault);
          try {
            change.getValue().accept(pool);
          } catch (ServingException e) {
            assertEquals("STORE_FAILED", e.reason());
            acknowledged = false;
            failures++;
          }
          steps = acknowledged ? Math.min(steps, Math.max(step + 1, files.steps())) : steps;
        }
        String found = stateOf(copy);
        String what = change.getKey() + ", step " + step + ", " + fault;
        assertTrue(found.equals(after) || (!acknowledged && found.equals(before)), what + found);
        assertEquals(0, temporaries(copy), what);
      }
      assertTrue(failures >= 3, change.getKey());
    }
  }

  private static long temporaries(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(file -> file.toString().endsWith(".tmp")).count();
    }
  }

  @Test
  void change_failsOnce_serverGoesOnAndTheSameChangeSucceedsLater() throws IOException {
    for (Map.Entry<String, Consumer<TaskPool>> change : CHANGES.entrySet()) {
      String after = stateAfter(change.getValue());
      for (Fault fault : List.of(Fault.BEFORE_ONCE, Fault.AFTER_ONCE)) {
        for (int step = 0; step < 3; step++) {
          Path copy = copyOfTemplate();
          FaultyFileOperations files = new FaultyFileOperations("broken disk, on purpose");
          try (FileTaskStore store = new FileTaskStore(copy, files)) {
            TaskPool pool = open(store);
            long epoch = pool.snapshot().epoch();
            files.failAfter(step, fault);
            assertThrows(ServingException.class, () -> change.getValue().accept(pool));
            assertEquals(epoch, pool.snapshot().epoch());
            change.getValue().accept(pool);
            assertEquals(epoch + 1, pool.snapshot().epoch());
          }
          assertEquals(after, stateOf(copy));
        }
      }
    }
  }

  @Test
  void publish_diskFull_resourceExhaustedAndNothingDamaged() throws IOException {
    String before = stateOf(template);
    FaultyFileOperations files = new FaultyFileOperations(DISK_FULL);
    try (FileTaskStore store = new FileTaskStore(template, files)) {
      TaskPool pool = open(store);
      files.failAfter(0, Fault.BEFORE_FOR_GOOD);
      ServingException e =
          assertThrows(ServingException.class, () -> pool.publish(TaskVersions.random("dogs", 1)));
      assertEquals(ErrorCode.RESOURCE_EXHAUSTED, e.code());
      assertEquals("DISK_FULL", e.reason());
      assertEquals(-1, pool.snapshot().slot("dogs"));
    }
    assertEquals(before, stateOf(template));
  }

  @Test
  void open_newFolderAnyStepFails_opensNextTime() {
    for (Fault fault : Fault.values()) {
      for (int step = 0; step < 4; step++) {
        Path folder = temporary.resolve("new-" + fault + step);
        FaultyFileOperations files = new FaultyFileOperations(DISK_FULL);
        files.failAfter(step, fault);
        ServingException e =
            assertThrows(ServingException.class, () -> new FileTaskStore(folder, files));
        assertEquals("DISK_FULL", e.reason());
        try (FileTaskStore store = sound(folder)) {
          assertEquals(0, store.manifest().epoch());
        }
      }
    }
  }
}
