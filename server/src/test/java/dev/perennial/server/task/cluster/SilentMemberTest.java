package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A member that says nothing, and that the others have not removed yet. */
@Timeout(60)
class SilentMemberTest {
  @RegisterExtension final FakeNetwork network = new FakeNetwork("a", "b", "c", "d");

  @Test
  void member_changesOfEveryKindGoOnOnTwoDisksAndItCatchesUp() throws Exception {
    network.startWithCats("a", "b", "c");
    network.frozen.freeze("c");
    for (String task : new String[] {"pens", "signs", "birds", "ships", "trees", "cars"}) {
      network.publish("b", task, 1);
      assertEquals(network.onDisk("a"), network.onDisk("b"));
    }
    assertEquals(8, network.get("a").member().delete("pens").epoch());
    assertEquals(9, network.get("b").member().delete("cats").epoch());
    assertEquals(network.onDisk("a"), network.onDisk("b"));
    assertEquals(1, network.onDisk("c").epoch());
    network.frozen.thaw("c");
    network.untilSame("a", "b", "c");
    assertEquals(9, network.onDisk("c").epoch());
  }

  /** What it was asked before it was silent for long is not asked again and again. */
  @Test
  void member_isAskedForNothingButItsStateUntilItAnswers() throws Exception {
    network.startWithCats("a", "b", "c");
    network.publish("a", "pens", 1);
    network.frozen.freeze("c");
    network.publish("a", "signs", 1);
    AtomicInteger asked = new AtomicInteger();
    network.refuses =
        (target, request) -> {
          if (target.equals("c") && !FakeNetwork.isOf(Request.State.class, request)) {
            asked.incrementAndGet();
          }
          return false;
        };
    network.publish("a", "birds", 1);
    network.get("b").member().delete("cats");
    assertEquals(0, asked.get());
    network.frozen.thaw("c");
    network.untilSame("a", "b", "c");
    assertTrue(asked.get() > 0);
  }

  @Test
  void oneOfTwo_changesWaitForIt() {
    network.startWithCats("a", "b");
    network.frozen.freeze("b");
    ServingException e =
        assertThrows(ServingException.class, () -> network.publish("a", "pens", 1));
    assertEquals("UNAVAILABLE", e.code().name());
    assertEquals(1, network.onDisk("a").epoch());
    network.group("a"); // it is removed
    assertEquals(Set.of("cats", "pens"), publishedAt("a"));
  }

  private Set<String> publishedAt(String machine) {
    network.publish(machine, "pens", 1);
    return network.onDisk(machine).tasks().keySet();
  }

  /** Its answer is lost, and nobody else took the manifest: it may be on its disk. */
  @Test
  void member_thatMayHaveWhatWasNotDecided_isHeardBeforeTheNextChange() throws Exception {
    network.startWithCats("a", "b", "c");
    AtomicInteger refused = new AtomicInteger();
    AtomicInteger unheard = new AtomicInteger();
    AtomicInteger lost = new AtomicInteger();
    network.refuses =
        (target, request) ->
            target.equals("b")
                ? FakeNetwork.isOf(Request.Install.class, request) && refused.getAndIncrement() == 0
                : FakeNetwork.isOf(Request.State.class, request) && unheard.getAndIncrement() < 4;
    network.loses =
        (asker, request) ->
            asker.equals("a")
                && FakeNetwork.isOf(Request.Install.class, request)
                && lost.incrementAndGet() == 1;
    assertEquals(2, network.publish("a", "pens", 1).epoch()); // tried again, and found there
    assertTrue(refused.get() > 1 && unheard.get() > 4);
    network.untilSame("a", "b", "c");
  }
}
