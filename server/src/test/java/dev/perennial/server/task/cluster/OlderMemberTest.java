package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Members that ask what an older one does not know; a refusal harms nobody but itself. */
@Timeout(180)
class OlderMemberTest {
  @RegisterExtension final FakeNetwork network = new FakeNetwork("a", "b", "c");

  @BeforeEach
  void start() {
    network.startWithCats("a", "b", "c");
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
      long before = network.onDisk("c").epoch();
      unknown(question, "c");
      assertEquals(
          before + 1,
          network.publish("b", question.getSimpleName().toLowerCase(Locale.ROOT), 2).epoch());
      assertEquals(before + 1, network.onDisk("a").epoch());
      assertEquals(before + 1, network.onDisk("b").epoch());
      assertTrue(network.get("c").pool().snapshot().slot("cats") >= 0);
      allKnown();
      CountDownLatch never = new CountDownLatch(1);
      while (network.onDisk("c").epoch() != before + 1) { // the test's own timeout ends it
        assertFalse(never.await(10, TimeUnit.MILLISECONDS));
      }
    }
  }

  @Test
  void publish_noOtherMemberKnowsTheQuestion_refusedAndNothingIsChanged() {
    unknown(Request.Install.class, "b", "c");
    ServingException e =
        assertThrows(ServingException.class, () -> network.publish("a", "pens", 3));
    assertEquals(ErrorCode.UNAVAILABLE, e.code(), e.toString());
    assertEquals("NOT_REPLICATED", e.reason());
    for (String machine : new String[] {"a", "b", "c"}) {
      assertEquals(Set.of("cats"), network.onDisk(machine).tasks().keySet());
    }
    allKnown();
    assertTrue(network.publish("a", "pens", 3).slot("pens") >= 0);
  }

  /** The author of a change keeps its file from try to try. */
  @Test
  void publish_othersKnowTheQuestionOnlyLater_theSameCallSucceeds() {
    for (String author : new String[] {"a", "b"}) {
      AtomicInteger refusals = new AtomicInteger();
      network.isNew =
          (asked, request) ->
              FakeNetwork.isOf(Request.Prepare.class, request) && refusals.getAndIncrement() < 4;
      assertTrue(network.publish(author, "pens-" + author, 3).slot("pens-" + author) >= 0);
      assertTrue(refusals.get() > 4);
    }
  }

  @Test
  void publish_theCoordinatorDoesNotKnowTheQuestion_saysSoAtOnce() {
    unknown(Request.Apply.class, "a");
    ServingException e =
        assertThrows(ServingException.class, () -> network.publish("b", "pens", 3));
    assertEquals("UNKNOWN_REQUEST", e.reason());
    assertTrue(
        String.valueOf(e.getMessage()).contains("NewerApply in format " + Wire.FORMAT),
        e.getMessage());
    assertTrue(network.publish("a", "pens", 3).slot("pens") >= 0);
  }
}
