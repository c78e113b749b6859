package dev.perennial.server.batching;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.batching.Admission.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RowQueueTest {
  /** Near the overflow, so that deadlines and delays cross it. */
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 33);

  private static class TestRow implements QueuedRow {
    final String name;
    final Object source;
    final long deadlineNanos;
    boolean abandoned;
    int expired;

    TestRow(String name, Object source, long deadlineNanos) {
      this.name = name;
      this.source = source;
      this.deadlineNanos = deadlineNanos;
    }

    @Override
    public Object source() {
      return source;
    }

    @Override
    public long deadlineNanos() {
      return deadlineNanos;
    }

    @Override
    public boolean abandoned() {
      return abandoned;
    }

    @Override
    public void expire() {
      expired++;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private RowQueue<TestRow> queue(int maxSize, long maxDelayNanos) {
    return new RowQueue<>(maxSize, maxDelayNanos, clock::get);
  }

  private static TestRow row(String name, Object source) {
    return new TestRow(name, source, QueuedRow.NO_DEADLINE);
  }

  private static TestRow row(String name) {
    return row(name, "source");
  }

  private TestRow rowDueIn(String name, long nanos) {
    return new TestRow(name, "source", clock.get() + nanos);
  }

  private static List<String> names(List<TestRow> rows) {
    return rows.stream().map(TestRow::toString).toList();
  }

  private static Verdict offer(RowQueue<TestRow> queue, TestRow row) {
    return queue.offer(row).verdict();
  }

  @Test
  void constructor_badBounds_throws() {
    assertThrows(IllegalArgumentException.class, () -> queue(0, 0));
    assertThrows(IllegalArgumentException.class, () -> queue(1, -1));
  }

  @Test
  void poll_noDelay_givesWhatThereIs() {
    RowQueue<TestRow> queue = queue(10, 0);
    assertEquals(List.of(), queue.poll(4));
    offer(queue, row("a"));
    offer(queue, row("b"));
    assertEquals(List.of("a", "b"), names(queue.poll(4)));
    assertTrue(queue.isEmpty());
  }

  @Test
  void poll_moreThanABatch_keepsTheRest() {
    RowQueue<TestRow> queue = queue(10, 0);
    List.of("a", "b", "c").forEach(name -> offer(queue, row(name)));
    assertEquals(List.of("a", "b"), names(queue.poll(2)));
    assertEquals(List.of("c"), names(queue.poll(2)));
  }

  @Test
  void poll_withDelay_waitsForTheFirstRowsDelayOrAFullBatch() {
    RowQueue<TestRow> queue = queue(10, 100);
    offer(queue, row("a"));
    clock.addAndGet(60);
    offer(queue, row("b"));
    clock.addAndGet(39);
    assertEquals(List.of(), queue.poll(4));
    clock.addAndGet(1);
    assertEquals(List.of("a", "b"), names(queue.poll(4)));

    offer(queue, row("c"));
    assertEquals(List.of(), queue.poll(2));
    offer(queue, row("d"));
    assertEquals(List.of("c", "d"), names(queue.poll(2)));
  }

  @Test
  void poll_rowsThatCameBack_goFirstAndTakeOthersAlongWithoutDelay() {
    RowQueue<TestRow> queue = queue(10, 100);
    offer(queue, row("fresh"));
    assertTrue(queue.putBack(List.of(row("back1"), row("back2"))));
    assertEquals(List.of("back1", "back2", "fresh"), names(queue.poll(4)));
  }

  @Test
  void poll_floodOfOneSource_othersGoInTurn() {
    RowQueue<TestRow> queue = queue(1000, 0);
    for (int i = 0; i < 500; i++) {
      offer(queue, row("flood" + i, "flooding"));
    }
    offer(queue, row("b0", "b"));
    offer(queue, row("b1", "b"));
    offer(queue, row("c0", "c"));
    assertEquals(List.of("flood0", "b0", "c0", "flood1", "b1", "flood2"), names(queue.poll(6)));
    offer(queue, row("d0", "d"));
    assertEquals(List.of("flood3", "d0"), names(queue.poll(2)));
  }

  @Test
  void poll_fairnessAcrossBatches_rotationGoesOn() {
    RowQueue<TestRow> queue = queue(100, 0);
    for (int i = 0; i < 3; i++) {
      offer(queue, row("a" + i, "a"));
      offer(queue, row("b" + i, "b"));
    }
    assertEquals(List.of("a0"), names(queue.poll(1)));
    assertEquals(List.of("b0"), names(queue.poll(1)));
    assertEquals(List.of("a1"), names(queue.poll(1)));
  }

  @Test
  void offer_full_refusedUntilARowLeaves() {
    RowQueue<TestRow> queue = queue(2, 0);
    assertEquals(Verdict.ACCEPTED, offer(queue, row("a")));
    assertEquals(Verdict.ACCEPTED, offer(queue, row("b")));
    assertEquals(Verdict.FULL, offer(queue, row("c")));
    assertEquals(2, queue.size());
    queue.poll(1);
    assertEquals(Verdict.ACCEPTED, offer(queue, row("d")));
  }

  @Test
  void offer_heldRowsElsewhere_countAsWaiting() {
    RowQueue<TestRow> queue = queue(2, 0);
    queue.hold(2);
    assertEquals(Verdict.FULL, offer(queue, row("a")));
    queue.hold(-1);
    assertEquals(Verdict.ACCEPTED, offer(queue, row("b")));
  }

  @Test
  void offer_fullOfAbandonedRows_theirPlaceIsUsed() {
    RowQueue<TestRow> queue = queue(2, 0);
    TestRow gone = row("gone");
    offer(queue, gone);
    offer(queue, row("stays"));
    gone.abandoned = true;
    assertEquals(Verdict.ACCEPTED, offer(queue, row("new")));
    assertEquals(List.of("stays", "new"), names(queue.poll(4)));
    assertEquals(0, gone.expired);
  }

  @Test
  void offer_fullOfLateRows_theyExpireAndTheirPlaceIsUsed() {
    RowQueue<TestRow> queue = queue(1, 0);
    TestRow late = rowDueIn("late", 10);
    offer(queue, late);
    clock.addAndGet(10);
    assertEquals(Verdict.ACCEPTED, offer(queue, row("new")));
    assertEquals(1, late.expired);
  }

  @Test
  void putBack_full_isTakenAllTheSame() {
    RowQueue<TestRow> queue = queue(1, 0);
    offer(queue, row("a"));
    assertTrue(queue.putBack(List.of(row("back"))));
    assertEquals(2, queue.size());
    assertEquals(Verdict.FULL, offer(queue, row("b")));
  }

  @Test
  void poll_deadlinePassed_expiresOnceAndIsNotGivenOut() {
    RowQueue<TestRow> queue = queue(10, 0);
    TestRow late = rowDueIn("late", 100);
    TestRow backLate = rowDueIn("backLate", 100);
    offer(queue, late);
    offer(queue, rowDueIn("later", 101));
    queue.putBack(List.of(backLate));
    clock.addAndGet(100);
    assertEquals(List.of("later"), names(queue.poll(4)));
    assertEquals(1, late.expired);
    assertEquals(1, backLate.expired);
    queue.poll(4);
    assertEquals(1, late.expired);
  }

  @Test
  void poll_deadlinePassedWithinTheDelay_expires() {
    RowQueue<TestRow> queue = queue(10, 1000);
    TestRow late = rowDueIn("late", 100);
    offer(queue, late);
    clock.addAndGet(100);
    assertEquals(List.of(), queue.poll(4));
    assertEquals(1, late.expired);
    assertEquals(0, queue.size());
  }

  @Test
  void poll_abandoned_isDropped() {
    RowQueue<TestRow> queue = queue(10, 0);
    TestRow gone = row("gone");
    offer(queue, gone);
    offer(queue, row("a"));
    gone.abandoned = true;
    assertEquals(List.of("a"), names(queue.poll(1)));
    assertEquals(0, gone.expired);
  }

  @Test
  void offer_deadlineAlreadyPassed_isRefusedAsExpired() {
    assertEquals(Verdict.EXPIRED, offer(queue(10, 0), rowDueIn("late", 0)));
  }

  @Test
  void offer_waitLongerThanDeadline_isRefusedWithTheWait() {
    RowQueue<TestRow> queue = queue(100, 0);
    queue.ran(10, 0, 1000); // 100 ns a row, none comes back
    for (int i = 0; i < 5; i++) {
      offer(queue, row("r" + i));
    }
    Admission tooLate = queue.offer(rowDueIn("tooLate", 499));
    assertEquals(Verdict.TOO_LATE, tooLate.verdict());
    assertEquals(500, tooLate.waitNanos());
    assertEquals(Verdict.ACCEPTED, offer(queue, rowDueIn("inTime", 500)));
  }

  @Test
  void offer_rowsComeBack_expectedWaitCountsTheirSecondPass() {
    RowQueue<TestRow> queue = queue(100, 0);
    queue.ran(5, 5, 1000); // 100 ns a row, every row comes back
    offer(queue, row("a"));
    offer(queue, row("b"));
    assertEquals(400, queue.offer(row("c")).waitNanos());
    queue.putBack(List.of(row("back")));
    assertEquals(700, queue.offer(row("d")).waitNanos());
  }

  @Test
  void offer_rowsRunning_expectedWaitCountsThemUntilTheyRan() {
    RowQueue<TestRow> queue = queue(100, 0);
    queue.ran(10, 0, 1000);
    offer(queue, row("a"));
    queue.poll(1);
    assertEquals(100, queue.offer(row("b")).waitNanos());
    queue.ran(1, 0, 100);
    assertEquals(100, queue.offer(row("c")).waitNanos()); // b
  }

  @Test
  void offer_behindAFlood_expectedWaitIsThatOfItsTurn() {
    RowQueue<TestRow> queue = queue(1000, 0);
    queue.ran(10, 0, 1000);
    for (int i = 0; i < 500; i++) {
      offer(queue, row("flood" + i, "flooding"));
    }
    assertEquals(100, queue.offer(row("a0", "a")).waitNanos());
    assertEquals(300, queue.offer(row("a1", "a")).waitNanos());
    assertEquals(50_200, queue.offer(row("flood", "flooding")).waitNanos());
  }

  @Test
  void offer_nothingMeasuredOrNothingAhead_isNeverTooLate() {
    RowQueue<TestRow> queue = queue(100, 0);
    offer(queue, row("a"));
    assertEquals(Verdict.ACCEPTED, offer(queue, rowDueIn("b", 1)));
    queue.poll(10);
    queue.ran(2, 0, 1_000_000);
    assertEquals(Verdict.ACCEPTED, offer(queue, rowDueIn("c", 1)));
  }

  @Test
  void offer_full_saysWhenHalfIsDone() {
    RowQueue<TestRow> queue = queue(4, 0);
    queue.ran(10, 0, 1000);
    for (int i = 0; i < 4; i++) {
      offer(queue, row("r" + i));
    }
    assertEquals(new Admission(Verdict.FULL, 200), queue.offer(row("more")));
  }

  @Test
  void close_rowsWaiting_areHandedOverAndNoneIsTaken() {
    RowQueue<TestRow> queue = queue(10, 0);
    offer(queue, row("a"));
    queue.putBack(List.of(row("back")));
    assertEquals(List.of("back", "a"), names(queue.close()));
    assertEquals(Verdict.CLOSED, offer(queue, row("b")));
    assertFalse(queue.putBack(List.of(row("c"))));
    assertEquals(List.of(), queue.poll(4));
    assertEquals(List.of(), queue.close());
  }

  @Test
  void await_wokenBefore_returnsAtOnceAndOnlyOnce() throws InterruptedException {
    RowQueue<TestRow> queue = queue(10, 0);
    queue.wake();
    queue.await(4);
    List<String> order = new ArrayList<>();
    Thread waiter =
        new Thread(
            () -> {
              try {
                queue.await(4);
                order.add("woken");
              } catch (InterruptedException e) {
                order.add("interrupted");
              }
            });
    waiter.start();
    waiter.interrupt(); // the first wake is used up: only this ends the wait
    waiter.join();
    assertEquals(List.of("interrupted"), order);
  }

  @Test
  void await_offerWakeOrClose_endsTheWait() throws InterruptedException {
    RowQueue<TestRow> queue = queue(10, 0);
    List<Runnable> events =
        List.of(
            () -> offer(queue, row("a")),
            () -> queue.putBack(List.of(row("b"))),
            queue::wake,
            queue::close);
    for (Runnable event : events) {
      Thread waiter =
          new Thread(
              () -> {
                try {
                  queue.await(4);
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      waiter.start();
      event.run();
      waiter.join(); // hangs where the event is missed
      queue.poll(4);
    }
  }

  @Test
  void await_rowDueOrLate_returns() throws InterruptedException {
    RowQueue<TestRow> queue = queue(10, 100);
    offer(queue, rowDueIn("a", 50));
    clock.addAndGet(50);
    queue.await(4);
    queue.poll(4);
    offer(queue, row("b"));
    clock.addAndGet(100);
    queue.await(4);
    assertEquals(List.of("b"), names(queue.poll(4)));
  }

  @Test
  void expire_callbackOffersAgain_isNotUnderTheLock() {
    RowQueue<TestRow> queue = queue(1, 0);
    List<Verdict> verdicts = new ArrayList<>();
    TestRow late =
        new TestRow("late", "source", clock.get() + 1) {
          @Override
          public void expire() {
            verdicts.add(offer(queue, row("again")));
          }
        };
    offer(queue, late);
    clock.addAndGet(1);
    queue.poll(1);
    assertEquals(List.of(Verdict.ACCEPTED), verdicts);
  }
}
