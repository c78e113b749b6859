package dev.perennial.server.chaos;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Counts by kind of kill: what happens counts for the blow that fell last. Safe for any thread. */
final class Tally {
  private static final int MAX_FINDINGS = 100;

  /** What is counted for one kind. */
  static final class Count {
    int kills;
    int processes;
    long acknowledged;
    long answers;
    final Map<Violation, Integer> violations = new EnumMap<>(Violation.class);

    /** From the blow until all members were ready again, seconds. */
    final List<Double> recoveries = new ArrayList<>();

    /** From the blow until the next change was acknowledged by anybody, seconds. */
    final List<Double> pauses = new ArrayList<>();
  }

  @GuardedBy("this")
  private final Map<Kind, Count> counts = new EnumMap<>(Kind.class);

  @GuardedBy("this")
  private final List<String> findings = new ArrayList<>();

  @GuardedBy("this")
  private Count now = new Count();

  @GuardedBy("this")
  private String where = "at the start";

  @GuardedBy("this")
  private long hitNanos;

  @GuardedBy("this")
  private boolean paused;

  synchronized void begin(Blow blow) {
    now = counts.computeIfAbsent(blow.kind(), kind -> new Count());
    now.kills++;
    where = "blow " + blow.number() + ", " + blow.kind().key();
    paused = false;
  }

  /** The blow falls. */
  synchronized void hit(int processes) {
    now.processes += processes;
    hitNanos = System.nanoTime();
    paused = true;
  }

  synchronized void recovered() {
    now.recoveries.add((System.nanoTime() - hitNanos) / 1e9);
  }

  synchronized void acknowledged() {
    now.acknowledged++;
    if (paused) {
      now.pauses.add((System.nanoTime() - hitNanos) / 1e9);
      paused = false;
    }
    notifyAll();
  }

  /** Waits until a change was acknowledged since the blow, or the time is up. */
  synchronized void awaitChange(Duration timeout) throws InterruptedException {
    long until = System.nanoTime() + timeout.toNanos();
    while (paused && System.nanoTime() - until < 0) {
      wait(10);
    }
  }

  synchronized void answered() {
    now.answers++;
  }

  synchronized void found(Violation violation, String what) {
    now.violations.merge(violation, 1, Integer::sum);
    if (findings.size() < MAX_FINDINGS) {
      findings.add(where + ": " + violation.key() + ": " + what);
    }
  }

  /** What was found, from the first that is not known yet. */
  synchronized List<String> findings(int known) {
    return List.copyOf(findings.subList(known, findings.size()));
  }

  /** The last blow's recovery, seconds. */
  synchronized double lastRecovery() {
    return now.recoveries.isEmpty() ? 0 : now.recoveries.get(now.recoveries.size() - 1);
  }

  synchronized ChaosReport report(int members, long seed, Duration took) {
    return new ChaosReport(members, seed, took, counts, findings);
  }
}
