package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.TaskVersions;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Members that ask what an older one does not know; a refusal harms nobody but itself. */
@Timeout(60)
class OlderMemberTest {
  private final FakeNetwork network = new FakeNetwork("a", "b", "c");

  @BeforeEach
  void start() {
    network.startTogether("a", "b", "c");
    publish("a", "cats", 1);
  }

  @AfterEach
  void close() {
    network.close();
  }

  private PoolSnapshot publish(String machine, String task, long seed) {
    return network.get(machine).member().publish(TaskVersions.random(task, seed));
  }

  private long epochAt(String machine) {
    return network.get(machine).disk.manifest().epoch();
  }

  /** From now on, these members do not know that question. */
  private void unknown(Class<? extends Request> question, String... members) {
    network.isNew =
        (asked, request) -> Set.of(members).contains(asked) && FakeNetwork.isOf(question, request);
  }

  private void allKnown() {
    network.isNew = (asked, request) -> false;
  }

  @Test
  void publish_oneMemberDoesNotKnowTheQuestion_holdsWithoutItAndItCatchesUp() throws Exception {
    for (Class<? extends Request> question :
        List.of(Request.Prepare.class, Request.Install.class)) {
      long before = epochAt("c");
      unknown(question, "c");
      assertEquals(
          before + 1, publish("b", question.getSimpleName().toLowerCase(Locale.ROOT), 2).epoch());
      assertEquals(before + 1, epochAt("a"));
      assertEquals(before + 1, epochAt("b"));
      assertTrue(network.get("c").pool().snapshot().slot("cats") >= 0);
      allKnown();
      CountDownLatch never = new CountDownLatch(1);
      while (epochAt("c") != before + 1) { // the test's own timeout ends it
        assertFalse(never.await(10, TimeUnit.MILLISECONDS));
      }
    }
  }

  @Test
  void publish_noOtherMemberKnowsTheQuestion_refusedAndNothingIsChanged() {
    unknown(Request.Install.class, "b", "c");
    ServingException e = assertThrows(ServingException.class, () -> publish("a", "pens", 3));
    assertEquals(ErrorCode.UNAVAILABLE, e.code(), e.toString());
    assertEquals("NOT_REPLICATED", e.reason());
    for (String machine : new String[] {"a", "b", "c"}) {
      assertEquals(Set.of("cats"), network.get(machine).disk.manifest().tasks().keySet());
    }
    allKnown();
    assertTrue(publish("a", "pens", 3).slot("pens") >= 0);
  }

  /** The author of a change keeps its file from try to try. */
  @Test
  void publish_othersKnowTheQuestionOnlyLater_theSameCallSucceeds() {
    for (String author : new String[] {"a", "b"}) {
      AtomicInteger refusals = new AtomicInteger();
      network.isNew =
          (asked, request) ->
              FakeNetwork.isOf(Request.Prepare.class, request) && refusals.getAndIncrement() < 4;
      assertTrue(publish(author, "pens-" + author, 3).slot("pens-" + author) >= 0);
      assertTrue(refusals.get() > 4);
    }
  }

  @Test
  void publish_theCoordinatorDoesNotKnowTheQuestion_saysSoAtOnce() {
    unknown(Request.Apply.class, "a");
    ServingException e = assertThrows(ServingException.class, () -> publish("b", "pens", 3));
    assertEquals("UNKNOWN_REQUEST", e.reason());
    assertTrue(
        String.valueOf(e.getMessage()).contains("NewerApply in format " + Wire.FORMAT),
        e.getMessage());
    assertTrue(publish("a", "pens", 3).slot("pens") >= 0);
  }
}
