package dev.perennial.server.chaos;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashMap;
import java.util.Map;

/**
 * The epochs that were seen at each member, over all its lives. Whoever calls a member takes the
 * {@link #floor} before: the answer's epoch may not be below it. Safe for any thread.
 */
final class Epochs {
  private final Tally tally;

  @GuardedBy("this")
  private final Map<String, Long> highest = new HashMap<>();

  Epochs(Tally tally) {
    this.tally = tally;
  }

  /** The highest epoch that any answer of the member has named so far. */
  synchronized long floor(String member) {
    return highest.getOrDefault(member, 0L);
  }

  /** The highest of all members. */
  synchronized long highest() {
    return highest.values().stream().mapToLong(Long::longValue).max().orElse(0);
  }

  synchronized void seen(String member, long floor, long epoch) {
    if (epoch < floor) {
      tally.found(
          Violation.EPOCH_REGRESSIONS, "member " + member + ": " + epoch + " after " + floor);
    }
    highest.merge(member, epoch, Math::max);
  }
}
