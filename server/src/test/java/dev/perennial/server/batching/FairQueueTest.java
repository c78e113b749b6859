package dev.perennial.server.batching;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class FairQueueTest {
  private static FairQueue<String> of(String... entries) {
    FairQueue<String> queue = new FairQueue<>();
    for (String entry : entries) {
      queue.add(entry.charAt(0), entry);
    }
    return queue;
  }

  private static List<String> drain(FairQueue<String> queue) {
    List<String> drained = new ArrayList<>();
    for (String entry = queue.poll(); entry != null; entry = queue.poll()) {
      drained.add(entry);
    }
    return drained;
  }

  @Test
  void poll_manySources_goesRound() {
    assertEquals(
        List.of("a1", "b1", "c1", "a2", "c2", "a3"), drain(of("a1", "a2", "a3", "b1", "c1", "c2")));
  }

  @Test
  void poll_empty_isNull() {
    assertNull(of().poll());
  }

  @Test
  void add_sourceThatWasEmptied_queuesBehindTheOthers() {
    FairQueue<String> queue = of("a1", "b1", "b2");
    queue.poll();
    queue.add('a', "a2");
    assertEquals(List.of("b1", "a2", "b2"), drain(queue));
  }

  @Test
  void removeIf_someOfEverySource_keepsCountsAndTurns() {
    FairQueue<String> queue = of("a1", "a2", "b1", "c1", "c2");
    List<String> removed = queue.removeIf(entry -> entry.endsWith("1"));
    assertEquals(new TreeSet<>(List.of("a1", "b1", "c1")), new TreeSet<>(removed));
    assertEquals(2, queue.size());
    assertEquals(2, queue.sources());
    assertEquals(0, queue.waiting('b'));
    queue.add('b', "b9");
    assertEquals(List.of("a2", "c2", "b9"), drain(queue));
    assertEquals(0, queue.size());
    assertEquals(0, queue.sources());
  }

  @Test
  void iterator_entries_visitsAll() {
    TreeSet<String> seen = new TreeSet<>();
    for (String entry : of("a1", "b1", "a2")) {
      seen.add(entry);
    }
    assertEquals(new TreeSet<>(List.of("a1", "a2", "b1")), seen);
  }
}
