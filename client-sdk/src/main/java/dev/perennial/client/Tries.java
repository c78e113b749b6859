package dev.perennial.client;

import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The tries of one call, or of one stream since its last answer: which members failed, and whether
 * and when there is another try. Guarded by its owner's lock.
 *
 * <p>A try that found no member at all costs nobody anything. It is no try of the {@link
 * RetryPolicy#MAX_ATTEMPTS}; what bounds it is time.
 */
final class Tries {
  /** How long a call looks for a member that serves before it says that there is none. */
  static final Duration MAX_SEARCH = Duration.ofSeconds(3);

  private static final Duration SEARCH_PAUSE = Duration.ofMillis(100);

  private final Connection connection;
  private final Set<String> avoided = new HashSet<>();
  private int failures;
  private boolean searching;
  private long searchNanos;

  Tries(Connection connection) {
    this.connection = connection;
  }

  /** Members that failed. */
  Set<String> avoided() {
    return avoided;
  }

  /** Had better not be taken next, though it did not fail. */
  void avoid(Route route) {
    String address = route.address();
    if (address != null) {
      avoided.add(address);
    }
  }

  /** There was an answer: all is forgotten. */
  void clear() {
    avoided.clear();
    failures = 0;
    searching = false;
  }

  /**
   * A try failed: how long to wait before the next one; empty where there is none.
   *
   * @param left until the deadline of the whole
   */
  Optional<Duration> failed(PerennialException failure, Route route, Duration left) {
    if (route.address() == null) {
      return search(failure, left);
    }
    searching = false;
    failures++;
    avoid(route);
    return connection.retries().retry(failure, failures, left, route.alternatives() > 0);
  }

  private Optional<Duration> search(PerennialException failure, Duration left) {
    long now = System.nanoTime();
    if (!searching) {
      searching = true;
      searchNanos = now;
    }
    connection.reconnect();
    boolean goOn =
        RetryPolicy.mayRepeat(failure)
            && now - searchNanos < MAX_SEARCH.toNanos()
            && left.compareTo(SEARCH_PAUSE) > 0;
    return goOn ? Optional.of(SEARCH_PAUSE) : Optional.empty();
  }
}
