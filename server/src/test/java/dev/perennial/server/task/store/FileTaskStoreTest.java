package dev.perennial.server.task.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.server.task.TaskVersions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

class FileTaskStoreTest {
  @TempDir Path directory;

  private static TaskPool open(FileTaskStore store) {
    return TaskPool.open(store, TaskVersions.BACKBONE, TaskVersions.EMBED_DIM);
  }

  private static void assertFails(ErrorCode code, String reason, Executable action) {
    ServingException e = assertThrows(ServingException.class, action);
    assertEquals(reason, e.reason(), e.toString());
    assertEquals(code, e.code());
  }

  /** Publishes three times; returns the last snapshot. */
  private PoolSnapshot fill() {
    try (FileTaskStore store = new FileTaskStore(directory)) {
      TaskPool pool = open(store);
      pool.publish(TaskVersions.random("cats", 1));
      pool.publish(TaskVersions.random("pens", 1));
      return pool.publish(TaskVersions.random("cats", 2));
    }
  }

  private Path versionFile(String id) {
    return directory.resolve("versions").resolve(id + ".safetensors");
  }

  private static void flipBit(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
  }

  @Test
  void manifest_newFolder_emptyAtEpochZero() {
    try (FileTaskStore store = new FileTaskStore(directory.resolve("a/b"))) {
      assertEquals(Manifest.empty(), store.manifest());
    }
  }

  @Test
  void open_afterClose_sameManifestVersionsAndBits() {
    PoolSnapshot before = fill();
    try (FileTaskStore store = new FileTaskStore(directory)) {
      TaskPool pool = open(store);
      PoolSnapshot after = pool.snapshot();
      assertEquals(before.epoch(), after.epoch());
      assertEquals(List.of(), pool.unavailable());
      for (int slot = 0; slot < 2; slot++) {
        assertEquals(
            TaskVersions.id(before.tasks().get(slot).version()),
            TaskVersions.id(after.tasks().get(slot).version()));
      }
      assertEquals(2, pool.history("cats").versions().size());
    }
  }

  @Test
  void open_folderInUse_failedPreconditionUntilClosed() {
    try (FileTaskStore first = new FileTaskStore(directory)) {
      assertEquals(0, first.manifest().epoch());
      for (int i = 0; i < 2; i++) {
        assertFails(
            ErrorCode.FAILED_PRECONDITION,
            "DATA_DIRECTORY_IN_USE",
            () -> new FileTaskStore(directory.resolve(".")));
      }
    }
    new FileTaskStore(directory).close();
  }

  @Test
  void open_leftoverTemporaries_removedStrangersKept() throws IOException {
    fill();
    Path stranger = Files.writeString(directory.resolve("versions/notes.txt"), "mine");
    Path half = Files.writeString(directory.resolve("versions/half.safetensors.tmp"), "half");
    Path manifest = Files.writeString(directory.resolve("manifest.json.tmp"), "half");
    try (FileTaskStore store = new FileTaskStore(directory)) {
      open(store);
      assertEquals(3, store.manifest().epoch());
    }
    assertFalse(Files.exists(half));
    assertFalse(Files.exists(manifest));
    assertTrue(Files.exists(stranger));
  }

  @Test
  void getVersion_damagedOrMissing_dataLossOrNotFoundAndTheRestServes() throws IOException {
    PoolSnapshot before = fill();
    String cats = before.tasks().get(0).versionId();
    flipBit(versionFile(cats));
    try (FileTaskStore store = new FileTaskStore(directory)) {
      assertFails(ErrorCode.DATA_LOSS, "VERSION_DAMAGED", () -> store.getVersion(cats));
      TaskPool pool = open(store);
      assertEquals(1, pool.snapshot().tasks().size());
      assertEquals(cats, pool.unavailable().get(0).versionId());
      assertTrue(Files.exists(versionFile(cats)));
      Files.delete(versionFile(cats));
      assertFails(ErrorCode.NOT_FOUND, "VERSION_NOT_FOUND", () -> store.getVersion(cats));
      assertFails(
          ErrorCode.NOT_FOUND, "VERSION_NOT_FOUND", () -> store.getVersion("../manifest.json"));
      assertFails(ErrorCode.NOT_FOUND, "VERSION_NOT_FOUND", () -> pool.activate("cats", cats));
    }
  }

  @Test
  void putVersion_damagedCopyThere_repaired() throws IOException {
    byte[] bytes = TaskVersionFile.write(TaskVersions.random("cats", 1));
    String id = TaskVersionFile.versionId(bytes);
    try (FileTaskStore store = new FileTaskStore(directory)) {
      store.putVersion(id, bytes);
      flipBit(versionFile(id));
      store.putVersion(id, bytes);
      assertEquals(bytes.length, store.getVersion(id).remaining());
      assertThrows(IllegalArgumentException.class, () -> store.putVersion("0".repeat(64), bytes));
    }
  }

  @Test
  void removeVersionsExcept_someNamed_othersRemoved() {
    try (FileTaskStore store = new FileTaskStore(directory)) {
      byte[] one = TaskVersionFile.write(TaskVersions.random("cats", 1));
      byte[] two = TaskVersionFile.write(TaskVersions.random("cats", 2));
      String first = TaskVersionFile.versionId(one);
      String second = TaskVersionFile.versionId(two);
      store.putVersion(first, one);
      store.putVersion(second, two);
      store.removeVersionsExcept(Set.of(second));
      assertFalse(Files.exists(versionFile(first)));
      assertTrue(Files.exists(versionFile(second)));
    }
  }

  @Test
  void writeManifest_sameOrLowerEpoch_throws() {
    try (FileTaskStore store = new FileTaskStore(directory)) {
      store.writeManifest(new Manifest(5, Map.of(), Map.of()));
      assertThrows(
          IllegalArgumentException.class,
          () -> store.writeManifest(new Manifest(5, Map.of(), Map.of())));
    }
    try (FileTaskStore store = new FileTaskStore(directory)) {
      assertEquals(5, store.manifest().epoch());
    }
  }

  @Test
  void open_manifestDamagedOrMissing_copyStandsInAndNothingIsRemoved() throws IOException {
    fill();
    String unnamed = "f".repeat(64);
    Files.writeString(versionFile(unnamed), "named by the damaged manifest alone");
    for (int round = 0; round < 2; round++) {
      if (round == 0) {
        flipBit(directory.resolve("manifest.json"));
      } else {
        Files.delete(directory.resolve("manifest.json"));
      }
      try (FileTaskStore store = new FileTaskStore(directory)) {
        TaskPool pool = open(store);
        assertEquals(4, pool.snapshot().epoch());
        assertEquals(2, pool.snapshot().tasks().size());
        assertTrue(Files.exists(versionFile(unnamed)));
        if (round == 1) {
          assertEquals(5, pool.delete("pens").epoch());
          assertTrue(Files.exists(versionFile(unnamed)));
        }
      }
    }
    try (FileTaskStore store = new FileTaskStore(directory)) {
      assertEquals(5, open(store).snapshot().epoch());
    }
    assertFalse(Files.exists(versionFile(unnamed)));
  }

  @Test
  void open_manifestOfTheFirstFormat_sameVersionsActiveOneKept() throws IOException {
    String a = "a".repeat(64);
    String b = "b".repeat(64);
    String body =
        "{\"format\":1,\"epoch\":3,\"tasks\":{\"cats\":{\"active\":\"%s\",\"versions\":[\"%s\",\"%s\"]}}}"
            .formatted(a, b, a);
    String hash = TaskVersionFile.versionId(body.getBytes(StandardCharsets.UTF_8));
    String file = "{\"sha256\":\"%s\",\"manifest\":%s}".formatted(hash, body);
    Manifest read = ManifestFile.read(file.getBytes(StandardCharsets.UTF_8));
    assertEquals(new Manifest(3, Map.of("cats", Map.of(a, 3L, b, 2L)), Map.of()), read);
    assertEquals(read, ManifestFile.read(ManifestFile.write(read)));
  }

  /** As it was written before there were contributions, and as it is written without any. */
  @Test
  void open_manifestOfTheSecondFormat_sameAndWrittenAsBefore() {
    String a = "a".repeat(64);
    String b = "b".repeat(64);
    String body =
        "{\"format\":2,\"epoch\":7,\"tasks\":{\"cats\":{\"%s\":3}},\"forgotten\":{\"%s\":7}}"
            .formatted(a, b);
    String hash = TaskVersionFile.versionId(body.getBytes(StandardCharsets.UTF_8));
    String file = "{\"sha256\":\"%s\",\"manifest\":%s}".formatted(hash, body);
    Manifest read = ManifestFile.read(file.getBytes(StandardCharsets.UTF_8));
    assertEquals(new Manifest(7, Map.of("cats", Map.of(a, 3L)), Map.of(b, 7L)), read);
    assertEquals(file, new String(ManifestFile.write(read), StandardCharsets.UTF_8));
    Manifest with =
        new Manifest(7, read.tasks(), Map.of("cats", Map.of("c".repeat(64), 5L)), Map.of(b, 7L));
    assertEquals(with, ManifestFile.read(ManifestFile.write(with)));
  }

  private static byte[] manifestFile(String body) {
    String hash = TaskVersionFile.versionId(body.getBytes(StandardCharsets.UTF_8));
    return "{\"sha256\":\"%s\",\"manifest\":%s}"
        .formatted(hash, body)
        .getBytes(StandardCharsets.UTF_8);
  }

  /** Newer software of the same format may say more. */
  @Test
  void open_manifestWithFieldsThatAreNotKnown_passedOver() {
    String body =
        "{\"format\":2,\"epoch\":7,\"pins\":[1.50],\"tasks\":{\"cats\":{\"%s\":3}},\"forgotten\":{}}"
            .formatted("a".repeat(64));
    assertEquals(
        new Manifest(7, Map.of("cats", Map.of("a".repeat(64), 3L)), Map.of()),
        ManifestFile.read(manifestFile(body)));
  }

  /** The copy may be of before the upgrade: it would go on without what came after. */
  @Test
  void open_manifestOfNewerSoftware_refusedAndNothingIsTouched() throws IOException {
    fill();
    Path manifest = directory.resolve("manifest.json");
    Path copy = directory.resolve("manifest.copy.json");
    byte[] older = Files.readAllBytes(copy);
    byte[] newer = manifestFile("{\"format\":4,\"epochs\":[9]}");
    Files.write(manifest, newer);
    ServingException e =
        assertThrows(ServingException.class, () -> new FileTaskStore(directory).close());
    assertEquals(ErrorCode.FAILED_PRECONDITION, e.code());
    assertEquals("format of the manifest: 4 (expected: 1..3, or newer software)", e.getMessage());
    assertArrayEquals(newer, Files.readAllBytes(manifest));
    assertArrayEquals(older, Files.readAllBytes(copy));
  }

  @Test
  void open_noReadableManifest_dataLossNeverEmpty() throws IOException {
    fill();
    Path manifest = directory.resolve("manifest.json");
    Path copy = directory.resolve("manifest.copy.json");
    Files.write(manifest, new byte[0]);
    flipBit(copy);
    assertFails(ErrorCode.DATA_LOSS, "MANIFEST_DAMAGED", () -> new FileTaskStore(directory));
    Files.delete(manifest);
    Files.delete(copy);
    assertFails(ErrorCode.DATA_LOSS, "MANIFEST_DAMAGED", () -> new FileTaskStore(directory));
  }

  @Test
  void open_manifestOfAnyDamage_neverAnotherState() throws IOException {
    fill();
    Path manifest = directory.resolve("manifest.json");
    byte[] bytes = Files.readAllBytes(manifest);
    Manifest whole = ManifestFile.read(bytes);
    for (int i = 0; i < bytes.length; i++) {
      byte[] damaged = bytes.clone();
      damaged[i] ^= (byte) (1 << (i % 7));
      assertUnreadableOrEqual(whole, damaged);
      assertUnreadableOrEqual(whole, Arrays.copyOf(bytes, i));
    }
    for (String text : List.of("", "null", "[]", "{}", "{\"manifest\":1,\"sha256\":2}")) {
      assertThrows(
          IllegalArgumentException.class,
          () -> ManifestFile.read(text.getBytes(StandardCharsets.UTF_8)),
          text);
    }
  }

  private static void assertUnreadableOrEqual(Manifest whole, byte[] bytes) {
    Manifest read;
    try {
      read = ManifestFile.read(bytes);
    } catch (IllegalArgumentException e) {
      return;
    }
    assertEquals(whole, read);
  }
}
