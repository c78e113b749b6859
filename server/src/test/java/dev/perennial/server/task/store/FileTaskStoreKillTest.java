package dev.perennial.server.task.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.TaskHistory;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Another process changes the pool without pause, and is killed (SIGKILL) at random moments. */
class FileTaskStoreKillTest {
  private static final int ROUNDS = 8;
  private static final int MAX_CHANGES_BEFORE_KILL = 25;
  private static final int MAX_MICROS_BEFORE_KILL = 20_000;

  @TempDir Path temporary;

  /** The process that is killed: prints the manifest after every change that was acknowledged. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) {
      PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
      FileTaskStore store = new FileTaskStore(Path.of(args[0]));
      TaskPool pool = TaskPool.open(store, TaskVersions.BACKBONE, TaskVersions.EMBED_DIM);
      out.println(store.manifest());
      Random random = new Random(Long.parseLong(args[1]));
      while (!out.checkError()) {
        change(pool, random);
        out.println(store.manifest());
      }
    }

    private static void change(TaskPool pool, Random random) {
      String task = "task-" + random.nextInt(3);
      boolean known = pool.taskNames().contains(task);
      int kind = random.nextInt(10);
      if (known && kind == 0) {
        pool.delete(task);
      } else if (known && kind < 3) {
        TaskHistory history = pool.history(task);
        int pick = random.nextInt(history.versions().size());
        pool.activate(task, history.versions().get(pick).versionId());
      } else {
        pool.publish(TaskVersions.random(task, random.nextInt()));
      }
    }
  }

  private static Process start(Path directory, long seed) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-Xmx256m",
            "-cp",
            System.getProperty("java.class.path"),
            Writer.class.getName(),
            directory.toString(),
            Long.toString(seed))
        .redirectError(directory.resolveSibling("stderr").toFile())
        .start();
  }

  @Test
  void kill_anyMoment_everythingAcknowledgedIsThereAndTheEpochNeverGoesBack() throws Exception {
    Path directory = temporary.resolve("data");
    Random random = new Random(20_240_705);
    String acknowledged = Manifest.empty().toString();
    long epoch = 0;
    for (int round = 0; round < ROUNDS; round++) {
      List<String> lines = runAndKill(directory, random);
      assertEquals(acknowledged, lines.get(0), "what was there at the start of round " + round);
      String last = lines.get(lines.size() - 1);
      try (FileTaskStore store = new FileTaskStore(directory)) {
        Manifest found = store.manifest();
        assertTrue(
            found.toString().equals(last) || found.epoch() == epochOf(last) + 1,
            found + " after " + last);
        assertTrue(found.epoch() >= epoch);
        TaskPool pool = TaskPool.open(store, TaskVersions.BACKBONE, TaskVersions.EMBED_DIM);
        assertEquals(List.of(), pool.unavailable());
        assertEquals(found.tasks().size(), pool.snapshot().tasks().size());
        acknowledged = found.toString();
        epoch = found.epoch();
      }
    }
    assertTrue(epoch > ROUNDS, "changes in all: " + epoch);
  }

  /** Manifest's record text begins with its epoch. */
  private static long epochOf(String manifest) {
    return Long.parseLong(manifest.substring(manifest.indexOf('=') + 1, manifest.indexOf(',')));
  }

  /** All that the process acknowledged, the part that was read after its death included. */
  private List<String> runAndKill(Path directory, Random random) throws Exception {
    Process writer = start(directory, random.nextLong());
    List<String> lines = new ArrayList<>();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(writer.getInputStream(), StandardCharsets.UTF_8))) {
      int changes = random.nextInt(MAX_CHANGES_BEFORE_KILL);
      for (int i = 0; i <= changes; i++) {
        lines.add(lineOrFailure(out));
      }
      assertThrows(ServingException.class, () -> new FileTaskStore(directory));
      assertTrue(
          !writer.waitFor(random.nextInt(MAX_MICROS_BEFORE_KILL), TimeUnit.MICROSECONDS),
          "the writer ended by itself");
      // The process's own method would close the pipe that is still to be read.
      writer.toHandle().destroyForcibly();
      writer.waitFor();
      out.lines().filter(FileTaskStoreKillTest::isManifest).forEach(lines::add);
    } finally {
      writer.destroyForcibly();
    }
    return lines;
  }

  /** Not a line of the log, and whole. */
  private static boolean isManifest(String line) {
    return line.startsWith("Manifest[") && line.endsWith("}]");
  }

  private String lineOrFailure(BufferedReader out) throws IOException {
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (isManifest(line)) {
        return line;
      }
    }
    throw new IOException("the writer died: " + Files.readString(temporary.resolve("stderr")));
  }
}
