package dev.perennial.server.batching;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * The rows that wait for one device, and the policy of who goes next.
 *
 * <ul>
 *   <li><b>Order.</b> Rows that came back from a first pass go before fresh ones, so that work in
 *       hand is finished first. Fresh rows are taken in turn from their sources ({@link
 *       FairQueue}).
 *   <li><b>Bound.</b> At most {@code maxSize} rows wait; rows that are held back for something else
 *       ({@link #hold}) count. Rows that came back are always taken: they were counted before, and
 *       there are never more of them than one batch and the rows that were held.
 *   <li><b>Delay.</b> A batch that is not full is given out {@code maxDelayNanos} after its first
 *       row came; 0 gives out what there is. Rows that came back never wait for company.
 *   <li><b>Deadlines.</b> A row that would have to wait longer than its deadline allows is refused
 *       when it is offered; one whose deadline passes here is expired and never given out.
 *   <li><b>Cancellation.</b> Abandoned rows are dropped when their turn comes, or at once when
 *       their place is needed.
 * </ul>
 *
 * <p>Safe for any thread; one thread polls. Callers are told (expired) with no lock held. The clock
 * counts nanoseconds from anywhere, as {@link System#nanoTime} does.
 */
public final class RowQueue<R extends QueuedRow> {
  private final int maxSize;
  private final long maxDelayNanos;
  private final LongSupplier nanoClock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<R> returned = new ArrayDeque<>();

  @GuardedBy("lock")
  private final FairQueue<R> fresh = new FairQueue<>();

  @GuardedBy("lock")
  private final WaitEstimate estimate = new WaitEstimate();

  /** When the oldest possible fresh row came; of no meaning while there is none. */
  @GuardedBy("lock")
  private long openedNanos;

  /** No deadline in here is earlier. */
  @GuardedBy("lock")
  private long earliestDeadlineNanos = QueuedRow.NO_DEADLINE;

  /** Rows that {@link #poll} gave out and {@link #ran} has not been told of. */
  @GuardedBy("lock")
  private int running;

  @GuardedBy("lock")
  private int held;

  @GuardedBy("lock")
  private boolean woken;

  @GuardedBy("lock")
  private boolean closed;

  /**
   * An empty queue.
   *
   * @param maxSize rows that may wait, at least 1
   * @param maxDelayNanos how long a batch that is not full waits for more; 0 not at all
   */
  public RowQueue(int maxSize, long maxDelayNanos, LongSupplier nanoClock) {
    if (maxSize < 1) {
      throw new IllegalArgumentException("max queue size: " + maxSize + " (expected: 1 or more)");
    }
    if (maxDelayNanos < 0) {
      throw new IllegalArgumentException(
          "max queue delay: " + maxDelayNanos + " ns (expected: 0 or more)");
    }
    this.maxSize = maxSize;
    this.maxDelayNanos = maxDelayNanos;
    this.nanoClock = nanoClock;
  }

  /** Queues a fresh row, or says why not; its expected wait is that of the rows ahead of it. */
  public Admission offer(R row) {
    List<R> expired = new ArrayList<>();
    try {
      lock.lock();
      try {
        return admit(row, nanoClock.getAsLong(), expired);
      } finally {
        lock.unlock();
      }
    } finally {
      expired.forEach(QueuedRow::expire);
    }
  }

  @GuardedBy("lock")
  private Admission admit(R row, long now, List<R> expired) {
    if (closed) {
      return new Admission(Admission.Verdict.CLOSED, 0);
    }
    if (passed(row.deadlineNanos(), now)) {
      return new Admission(Admission.Verdict.EXPIRED, 0);
    }
    if (waiting() >= maxSize) {
      sweep(now, expired);
      if (waiting() >= maxSize) {
        // Half of the queue done is a fair chance for those who were sent away.
        long later = returned.size() + (long) running + held;
        return new Admission(Admission.Verdict.FULL, estimate.nanos(fresh.size(), later) / 2);
      }
    }
    long waitNanos = expectedWaitNanos(row.source());
    if (row.deadlineNanos() != QueuedRow.NO_DEADLINE && waitNanos > row.deadlineNanos() - now) {
      return new Admission(Admission.Verdict.TOO_LATE, waitNanos);
    }
    if (fresh.size() == 0) {
      openedNanos = now;
    }
    fresh.add(row.source(), row);
    noteDeadline(row);
    changed.signal();
    return new Admission(Admission.Verdict.ACCEPTED, waitNanos);
  }

  /**
   * Rows go in turn: at most as many of each other source are ahead as of the row's own, plus 1.
   */
  @GuardedBy("lock")
  private long expectedWaitNanos(Object source) {
    int own = fresh.waiting(source);
    int sources = fresh.sources() + (own == 0 ? 1 : 0);
    long ahead = Math.min(fresh.size(), own + (own + 1L) * (sources - 1));
    return estimate.nanos(ahead, returned.size() + (long) running);
  }

  /**
   * Puts rows back at the head, in their order, behind those that came back earlier.
   *
   * @return false where the queue is closed: the rows stay the caller's
   */
  public boolean putBack(List<R> rows) {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      for (R row : rows) {
        returned.addLast(row);
        noteDeadline(row);
      }
      changed.signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The next batch: empty while there is none, or none is due yet. Expires and drops rows on the
   * way.
   */
  public List<R> poll(int maxRows) {
    List<R> batch = new ArrayList<>();
    List<R> expired = new ArrayList<>();
    lock.lock();
    try {
      long now = nanoClock.getAsLong();
      if (passed(earliestDeadlineNanos, now)) {
        sweep(now, expired);
      }
      if (due(now, maxRows)) {
        take(maxRows, batch);
        running += batch.size();
      }
    } finally {
      lock.unlock();
    }
    expired.forEach(QueuedRow::expire);
    return batch;
  }

  @GuardedBy("lock")
  private void take(int maxRows, List<R> batch) {
    while (batch.size() < maxRows) {
      R row = returned.pollFirst();
      if (row == null) {
        row = fresh.poll();
      }
      if (row == null) {
        return;
      }
      if (!row.abandoned()) {
        batch.add(row);
      }
    }
  }

  /**
   * Waits until a batch may be due, a deadline passes, or somebody calls {@link #wake} or {@link
   * #close}.
   *
   * @param maxRows size of a full batch, which does not wait for more
   */
  public void await(int maxRows) throws InterruptedException {
    lock.lock();
    try {
      while (!woken && !closed) {
        long now = nanoClock.getAsLong();
        if (due(now, maxRows) || passed(earliestDeadlineNanos, now)) {
          break;
        }
        long wakeNanos = earliestDeadlineNanos;
        if (fresh.size() > 0) {
          long dueNanos = openedNanos + maxDelayNanos;
          wakeNanos =
              wakeNanos == QueuedRow.NO_DEADLINE || dueNanos - wakeNanos < 0 ? dueNanos : wakeNanos;
        }
        if (wakeNanos == QueuedRow.NO_DEADLINE) {
          changed.await();
        } else {
          changed.awaitNanos(wakeNanos - now);
        }
      }
      woken = false;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the present or the next {@link #await}. */
  public void wake() {
    lock.lock();
    try {
      woken = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Tells that the rows polled so far were run.
   *
   * @param firstTime how many of them were fresh
   * @param later how many had come back
   * @param nanos from the end of the batch before (or the end of idleness) to the end of this one
   */
  public void ran(int firstTime, int later, long nanos) {
    lock.lock();
    try {
      running = 0;
      estimate.ran(firstTime, later, nanos);
    } finally {
      lock.unlock();
    }
  }

  /** So many more rows (or fewer) wait elsewhere, and count as waiting here. */
  public void hold(int rows) {
    lock.lock();
    try {
      held += rows;
    } finally {
      lock.unlock();
    }
  }

  /** Rows that wait: fresh, back from a pass, or held. */
  public int size() {
    lock.lock();
    try {
      return waiting();
    } finally {
      lock.unlock();
    }
  }

  /** Whether any row is queued here, due or not; those that are held elsewhere do not count. */
  public boolean isEmpty() {
    lock.lock();
    try {
      return returned.isEmpty() && fresh.size() == 0;
    } finally {
      lock.unlock();
    }
  }

  /** Takes no more rows; those that waited are the caller's now. Twice is fine. */
  public List<R> close() {
    lock.lock();
    try {
      closed = true;
      List<R> rest = new ArrayList<>(returned);
      returned.clear();
      rest.addAll(fresh.removeIf(row -> true));
      changed.signalAll();
      return rest;
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private int waiting() {
    return returned.size() + fresh.size() + held;
  }

  @GuardedBy("lock")
  private boolean due(long now, int maxRows) {
    return !returned.isEmpty()
        || fresh.size() >= maxRows
        || (fresh.size() > 0 && now - openedNanos >= maxDelayNanos);
  }

  @GuardedBy("lock")
  private void noteDeadline(R row) {
    long deadlineNanos = row.deadlineNanos();
    if (deadlineNanos != QueuedRow.NO_DEADLINE
        && (earliestDeadlineNanos == QueuedRow.NO_DEADLINE
            || deadlineNanos - earliestDeadlineNanos < 0)) {
      earliestDeadlineNanos = deadlineNanos;
    }
  }

  /** Drops abandoned rows and moves those to {@code expired} whose deadline has passed. */
  @GuardedBy("lock")
  private void sweep(long now, List<R> expired) {
    returned.removeIf(row -> gone(row, now, expired));
    fresh.removeIf(row -> gone(row, now, expired));
    earliestDeadlineNanos = QueuedRow.NO_DEADLINE;
    for (R row : returned) {
      noteDeadline(row);
    }
    for (R row : fresh) {
      noteDeadline(row);
    }
  }

  private boolean gone(R row, long now, List<R> expired) {
    if (row.abandoned()) {
      return true;
    }
    if (passed(row.deadlineNanos(), now)) {
      expired.add(row);
      return true;
    }
    return false;
  }

  private static boolean passed(long deadlineNanos, long now) {
    return deadlineNanos != QueuedRow.NO_DEADLINE && deadlineNanos - now <= 0;
  }
}
