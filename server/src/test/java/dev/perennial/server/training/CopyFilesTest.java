package dev.perennial.server.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a copy has stays until something better is there. */
class CopyFilesTest {
  private static final Lease FIRST = new Lease(1, 1, false);
  private static final Lease NEXT_GENERATION = new Lease(1, 2, false);
  private static final Lease NEXT_OWNER = new Lease(2, 1, false);

  @TempDir Path directory;
  private final FullDisk disk = new FullDisk();
  private JobStore store;
  private CopyFiles copies;

  @BeforeEach
  void open() throws IOException {
    store = new JobStore(directory, disk);
    store.open();
    copies = new CopyFiles(store);
  }

  /** A whole copy of that. */
  private void copy(Lease lease, String spool) throws IOException {
    assertEquals(0, copies.open("id", lease));
    append(lease, 0, spool);
    copies.put("id", lease, JobStore.UPLOAD, new byte[0]);
    assertEquals(spool, spool());
  }

  private void append(Lease lease, int offset, String part) throws IOException {
    assertEquals(offset + part.length(), copies.append("id", lease, offset, part.getBytes(UTF_8)));
  }

  private String spool() throws IOException {
    return Files.readString(store.copy("id").resolve(JobStore.SPOOL));
  }

  @Test
  void append_comesLate_cutsNothingOff() throws Exception {
    copy(FIRST, "one two three");
    append(FIRST, 0, "one two");
    assertEquals("one two three", spool());
    assertEquals(13, copies.open("id", FIRST));
  }

  /** Its owner may die before it has sent anything. */
  @Test
  void open_sameOwnerComesBack_keepsWhatIsThere() throws Exception {
    copy(FIRST, "one two three");
    assertEquals(0, copies.open("id", NEXT_GENERATION)); // all of so little is sent again
    assertEquals("one two three", spool());
    assertEquals(NEXT_GENERATION, store.lease(store.copy("id")));
    append(NEXT_GENERATION, 0, "one two three four");
    assertEquals("one two three four", spool());
  }

  @Test
  void open_anotherOwner_theOldCopyStaysUntilTheNewOneIsWhole() throws Exception {
    copy(FIRST, "one two three");
    assertEquals(0, copies.open("id", NEXT_OWNER));
    append(NEXT_OWNER, 0, "one two four");
    assertEquals("one two three", spool());
    assertEquals(FIRST, store.lease(store.copy("id")));
    assertThrows(ServingException.class, () -> copies.append("id", FIRST, 0, new byte[1]));
    copies.put("id", NEXT_OWNER, JobStore.UPLOAD, new byte[0]);
    assertEquals("one two four", spool());
    assertEquals(NEXT_OWNER, store.lease(store.copy("id")));
    assertEquals(List.of("id"), store.copyIds());
    assertFalse(Files.exists(store.nextCopy("id")));
  }

  @Test
  void open_noRoomForTheNewOne_theOldCopyStays() throws Exception {
    copy(FIRST, "one two three");
    disk.full = true;
    assertThrows(IOException.class, () -> copies.open("id", NEXT_OWNER));
    disk.full = false;
    assertEquals("one two three", spool());
    assertEquals(0, copies.open("id", NEXT_OWNER));
  }

  @Test
  void start_killedBeforeTheNewOneWasWhole_theOldCopyIsThere() throws Exception {
    copy(FIRST, "one two three");
    assertEquals(0, copies.open("id", NEXT_OWNER));
    append(NEXT_OWNER, 0, "one two four");
    open();
    assertEquals("one two three", spool());
    assertFalse(Files.exists(store.nextCopy("id")));
  }

  @Test
  void start_killedBeforeTheNewOneTookItsPlace_takesIt() throws Exception {
    copy(FIRST, "one two three");
    assertEquals(0, copies.open("id", NEXT_OWNER));
    append(NEXT_OWNER, 0, "one two four");
    Files.writeString(store.nextCopy("id").resolve(JobStore.UPLOAD), "");
    open();
    assertEquals("one two four", spool());
    assertEquals(List.of("id"), store.copyIds());
  }

  @Test
  void drop_bothAreThere_goAsFarAsMeant() throws Exception {
    copy(FIRST, "one two three");
    assertEquals(0, copies.open("id", NEXT_OWNER));
    copies.drop("id", FIRST);
    assertEquals(List.of(), store.copyIds());
    assertEquals(NEXT_OWNER, store.lease(store.nextCopy("id")));
    copies.drop("id", NEXT_OWNER);
    assertFalse(Files.exists(store.nextCopy("id")));
  }

  /** It lost its upload, kept a copy for the new owner, and died before it had deleted its own. */
  @Test
  void setAside_aNewerCopyIsThere_staysThat() throws Exception {
    copy(NEXT_OWNER, "one two four");
    Path own = directory.resolve("uploads/id");
    Files.createDirectory(own);
    Files.writeString(own.resolve(JobStore.SPOOL), "one two three");
    store.saveLease(own, FIRST);
    store.setAside();
    assertEquals("one two four", spool());
    assertFalse(Files.exists(own));
  }
}
