package dev.perennial.server.task;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StoredFilesTest {
  private final InMemoryTaskStore store = new InMemoryTaskStore();
  private final StoredFiles files = new StoredFiles(store);
  private final TaskVersion version = TaskVersions.random("cats", 1);
  private final ByteBuffer bytes = ByteBuffer.wrap(TaskVersionFile.write(version));

  private Set<String> leftOnDisk() {
    files.removeGarbage(Set.of());
    return store.versionIds();
  }

  @Test
  void releasePrepared_heldHereToo_stays() {
    String id = files.hold(bytes, version);
    files.prepare(bytes, version);
    files.releasePrepared(Set.of(id));
    assertEquals(Set.of(id), leftOnDisk());
    files.release(id);
    assertEquals(Set.of(), leftOnDisk());
  }

  @Test
  void release_preparedToo_stays() {
    String id = files.hold(bytes, version);
    files.prepare(bytes, version);
    files.release(id);
    assertEquals(Set.of(id), leftOnDisk());
    files.releasePrepared();
    assertEquals(Set.of(), leftOnDisk());
  }

  @Test
  void release_moreOftenThanHeld_noOthersPreparedFile() {
    String id = files.hold(bytes, version);
    files.release(id);
    files.prepare(bytes, version);
    files.release(id);
    assertEquals(Set.of(id), leftOnDisk());
  }
}
