package dev.perennial.server.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PoolChangeTest {
  private static Manifest after(Manifest before, PoolChange change) {
    return change.after(before, Set.of());
  }

  private static PoolChange byJob(String id) {
    return new PoolChange.Publish("cats", id, true);
  }

  private static PoolChange byFile(String id) {
    return new PoolChange.Publish("cats", id, false);
  }

  /** A job whose owner died after its publication does all of it again elsewhere. */
  @Test
  void publish_byAJobAgain_whatCameAfterStands() {
    Manifest first = after(Manifest.empty(), byJob("one"));
    assertEquals("one", first.activeVersion("cats"));
    Manifest newer = after(first, byJob("two"));
    assertSame(newer, after(newer, byJob("one")));
    Manifest deleted = after(newer, new PoolChange.Delete("cats"));
    assertSame(deleted, after(deleted, byJob("one")));
    assertEquals("one", after(deleted, byFile("one")).activeVersion("cats"));
    assertEquals("one", after(newer, byFile("one")).activeVersion("cats"));
  }

  /** Its file is damaged: the job brings it anew. */
  @Test
  void publish_byAJobAgainAndItsFileIsNotAvailable_publishes() {
    Manifest newer = after(after(Manifest.empty(), byJob("one")), byJob("two"));
    assertEquals("one", byJob("one").after(newer, Set.of("one")).activeVersion("cats"));
  }

  @Test
  void contribute_byAJobAgain_countsOnceAndNotOnceItIsTakenBack() {
    PoolChange contribute = new PoolChange.Contribute("cats", "sums", true);
    Manifest with = after(after(Manifest.empty(), byJob("one")), contribute);
    assertSame(with, after(with, contribute));
    Manifest without = after(with, new PoolChange.Withdraw("cats", "sums"));
    ServingException e =
        assertThrows(ServingException.class, () -> contribute.after(without, Set.of()));
    assertEquals("CONTRIBUTION_WITHDRAWN", e.reason());
    Manifest again = after(without, new PoolChange.Contribute("cats", "sums", false));
    assertEquals(Set.of("sums"), again.contributionsTo("cats"));
  }
}
