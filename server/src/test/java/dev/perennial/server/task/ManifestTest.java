package dev.perennial.server.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManifestTest {
  private static Manifest publish(Manifest before, String task, String id) {
    return new PoolChange.Publish(task, id, false).after(before, Set.of());
  }

  private static Manifest activate(Manifest before, String task, String id) {
    return new PoolChange.Activate(task, id).after(before, Set.of());
  }

  private static Manifest delete(Manifest before, String task) {
    return new PoolChange.Delete(task).after(before, Set.of());
  }

  private static Manifest contribute(Manifest before, String task, String id) {
    return new PoolChange.Contribute(task, id, false).after(before, Set.of());
  }

  private static Manifest withdraw(Manifest before, String task, String id) {
    return new PoolChange.Withdraw(task, id).after(before, Set.of());
  }

  @Test
  void union_contributionsOnBothSides_allCountButWithdrawnOnes() {
    Manifest base = publish(Manifest.empty(), "cats", "a");
    Manifest both = contribute(contribute(base, "cats", "x"), "cats", "y");
    Manifest left = withdraw(contribute(both, "cats", "l"), "cats", "x");
    Manifest right = contribute(both, "cats", "r");
    assertEquals(Set.of("l", "r", "y"), left.union(right).contributionsTo("cats"));
    assertTrue(left.union(right).sameContent(right.union(left)));
    assertEquals(Set.of("a", "l", "r", "y"), left.union(right).fileIds());
    assertNotEquals(base.at(9).digest(), both.at(9).digest());
  }

  @Test
  void contribution_toATaskThatAnotherSideDeleted_countsNeverAgain() {
    Manifest base = publish(Manifest.empty(), "cats", "a");
    Manifest deleted = delete(base, "cats");
    Manifest union = deleted.union(contribute(contribute(base, "cats", "x"), "cats", "y"));
    assertFalse(union.tasks().containsKey("cats"));
    Manifest anew = publish(union, "cats", "b");
    assertEquals(Set.of(), anew.contributionsTo("cats"));
    assertEquals(Set.of("b"), anew.fileIds());
    assertEquals(Set.of(), anew.union(union).contributionsTo("cats"));
  }

  @Test
  void delete_taskWithContributions_theyGoWithIt() {
    Manifest base = contribute(publish(Manifest.empty(), "cats", "a"), "cats", "x");
    Manifest deleted = delete(base, "cats");
    assertEquals(Set.of(), deleted.fileIds());
    assertEquals(Set.of("a", "x"), deleted.forgotten().keySet());
    assertEquals(Set.of(), deleted.union(base).fileIds());
  }

  @Test
  void union_oneSideAhead_thatSideAsItIs() {
    Manifest behind = publish(Manifest.empty(), "cats", "a");
    Manifest ahead = publish(behind, "cats", "b");
    assertEquals(ahead, ahead.union(behind));
    assertEquals(ahead, behind.union(ahead));
    assertTrue(ahead.covers(behind));
    assertFalse(behind.covers(ahead));
  }

  @Test
  void union_sameTaskOnBothSides_bothListedHigherStampThenHashActive() {
    Manifest base = publish(Manifest.empty(), "cats", "a");
    Manifest left = publish(base, "cats", "b");
    Manifest right = publish(base, "cats", "c");
    Manifest union = left.union(right);
    assertEquals(union, right.union(left));
    assertEquals(List.of("c", "b", "a"), union.versions("cats"));
    assertEquals(3, union.epoch());
    Manifest further = publish(publish(left, "pens", "p"), "cats", "b2");
    assertEquals("b2", further.union(right).activeVersion("cats"));
    assertTrue(further.union(right).versions("cats").contains("c"));
  }

  @Test
  void union_deletedOnOneSide_goneUnlessTheOtherSideWroteItLater() {
    Manifest base = publish(publish(Manifest.empty(), "cats", "a"), "cats", "b");
    Manifest deleted = delete(base, "cats");
    assertEquals(Set.of(), deleted.union(base).versionIds());
    Manifest published = publish(base, "cats", "c");
    assertEquals(List.of("c"), deleted.union(published).versions("cats"));
    // Where the stamps are equal, the version stays.
    assertEquals(List.of("a"), deleted.union(activate(base, "cats", "a")).versions("cats"));
    assertEquals(Set.of("p"), delete(publish(base, "pens", "p"), "cats").union(base).versionIds());
  }

  @Test
  void union_sameEpochOtherContent_newEpoch() {
    Manifest left = publish(Manifest.empty(), "cats", "a");
    Manifest right = publish(Manifest.empty(), "pens", "b");
    Manifest union = left.union(right);
    assertEquals(2, union.epoch());
    assertTrue(union.covers(left) && union.covers(right));
    assertNotEquals(left.digest(), right.digest());
    assertEquals(union.digest(), right.union(left).digest());
  }

  @Test
  void publish_deletedVersionAgain_there() {
    Manifest deleted = delete(publish(Manifest.empty(), "cats", "a"), "cats");
    assertEquals(Map.of("a", 2L), deleted.forgotten());
    Manifest again = publish(deleted, "cats", "a");
    assertEquals(Map.of(), again.forgotten());
    assertEquals(List.of("a"), deleted.union(again).versions("cats"));
  }

  @Test
  void forgotten_beyondTheBound_theOldestGo() {
    Map<String, Long> marks = new HashMap<>();
    for (int i = 1; i <= Manifest.MAX_FORGOTTEN + 5; i++) {
      marks.put("v" + i, (long) i);
    }
    Manifest manifest = new Manifest(marks.size(), Map.of(), marks);
    assertEquals(Manifest.MAX_FORGOTTEN, manifest.forgotten().size());
    assertFalse(manifest.forgotten().containsKey("v5"));
    assertTrue(manifest.forgotten().containsKey("v6"));
  }

  @Test
  void manifest_contradictions_refused() {
    Map<String, Map<String, Long>> cats = Map.of("cats", Map.of("a", 1L));
    assertThrows(IllegalArgumentException.class, () -> new Manifest(-1, Map.of(), Map.of()));
    assertThrows(IllegalArgumentException.class, () -> new Manifest(0, cats, Map.of()));
    assertThrows(IllegalArgumentException.class, () -> new Manifest(1, cats, Map.of("a", 1L)));
    assertThrows(
        IllegalArgumentException.class, () -> new Manifest(1, Map.of("cats", Map.of()), Map.of()));
    assertThrows(
        IllegalArgumentException.class,
        () -> new Manifest(1, Map.of("a", Map.of("v", 1L), "b", Map.of("v", 1L)), Map.of()));
  }

  /**
   * Three copies that change apart and are united now and then, in any order: epochs never go back,
   * one epoch at one copy never has two contents, and in the end all agree. A version that was
   * published and not deleted by somebody who saw it is there.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void union_copiesThatChangeApart_converge(long seed) {
    Random random = new Random(seed);
    List<Manifest> copies = new ArrayList<>(List.of(empty(), empty(), empty()));
    Set<String> published = new HashSet<>();
    Set<String> deletedSomewhere = new HashSet<>();
    for (int step = 0; step < 400; step++) {
      int at = random.nextInt(3);
      Manifest before = copies.get(at);
      Manifest after = step(random, before, copies.get(random.nextInt(3)), step);
      Set<String> gone = new HashSet<>(before.fileIds());
      gone.removeAll(after.fileIds());
      deletedSomewhere.addAll(gone);
      published.addAll(after.fileIds());
      assertTrue(after.epoch() > before.epoch() || after.equals(before));
      assertTrue(after.covers(before));
      copies.set(at, after);
    }
    Manifest one = copies.get(0).union(copies.get(1)).union(copies.get(2));
    Manifest other = copies.get(2).union(copies.get(0)).union(copies.get(1));
    assertTrue(one.sameContent(other));
    assertTrue(one.union(other).covers(one) && one.union(other).covers(other));
    published.removeAll(deletedSomewhere);
    assertTrue(one.fileIds().containsAll(published));
    copies.forEach(copy -> assertTrue(one.covers(copy)));
  }

  private static Manifest step(Random random, Manifest before, Manifest other, int step) {
    String task = "task-" + random.nextInt(4);
    boolean known = before.tasks().containsKey(task);
    return switch (random.nextInt(8)) {
      case 0, 1 -> publish(before, task, "version-" + step);
      case 2 -> before.union(other);
      case 3 ->
          known
              ? activate(before, task, before.versions(task).get(before.versions(task).size() - 1))
              : before;
      case 4 -> known ? delete(before, task) : before;
      case 5, 6 -> known ? contribute(before, task, "contribution-" + step) : before;
      default ->
          known && !before.contributionsTo(task).isEmpty()
              ? withdraw(before, task, before.contributionsTo(task).iterator().next())
              : before;
    };
  }

  private static Manifest empty() {
    return Manifest.empty();
  }
}
