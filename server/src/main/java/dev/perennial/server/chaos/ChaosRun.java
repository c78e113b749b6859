package dev.perennial.server.chaos;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A cluster on this machine whose members are killed again and again while it is changed and asked.
 * After every blow all members are started again, and everything that was acknowledged must hold
 * ({@link Audit}). The schedule follows from the seed; how processes interleave does not.
 */
public final class ChaosRun implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ChaosRun.class);

  /** How long the dead stay dead, at most, until somebody has acknowledged a change. */
  private static final Duration AWAY = Duration.ofSeconds(2);

  private static final int AUDITS = 3;
  private static final int WRITERS = 2;
  private static final int TASKS_OF_WRITER = 2;

  /**
   * What is to be done.
   *
   * @param directory for the members' disks and logs, empty
   */
  public record Plan(
      int members,
      int kills,
      long seed,
      Set<Kind> kinds,
      Path directory,
      LocalCluster.Settings settings) {
    public Plan {
      require(members >= 2 && members <= 9, "members: " + members + " (expected: 2..9)");
      require(kills >= 1 && kills <= 100_000, "kills: " + kills + " (expected: 1..100000)");
      require(!kinds.isEmpty(), "kinds: none (expected: one or more)");
      kinds = Set.copyOf(kinds);
    }

    private static void require(boolean holds, String message) {
      if (!holds) {
        throw new ServingException(ErrorCode.INVALID_ARGUMENT, "BAD_SETTING", message);
      }
    }
  }

  /** Hears how a run goes on, on its thread. */
  public interface Listener {
    /** The members are there. */
    void started();

    /**
     * A blow was dealt and survived.
     *
     * @param recoverySeconds from the blow until all members were ready again
     * @param findings what was seen since the last that must not be
     */
    void survived(
        int number, Kind kind, String victim, double recoverySeconds, List<String> findings);
  }

  private final Plan plan;
  private final LocalCluster cluster;
  private final Tally tally = new Tally();
  private final Ledger ledger = new Ledger(tally);
  private final Epochs epochs = new Epochs(tally);
  private final AnswerLog answers = new AnswerLog(tally);
  private final Changes changes = new Changes(ledger, epochs, answers);
  private final List<Writer> writers = new ArrayList<>();
  private final List<Reader> readers = new ArrayList<>();
  private final Strikes strikes;
  private final Audit audit;

  public ChaosRun(Plan plan) {
    this.plan = plan;
    this.cluster =
        LocalCluster.onLoopback(
            plan.directory(),
            plan.settings(),
            IntStream.range(0, plan.members()).mapToObj(i -> "m" + (i + 1)).toList());
    this.strikes = new Strikes(cluster, changes, ledger, tally, plan.settings());
    this.audit = new Audit(cluster, changes, ledger, epochs, answers, tally);
    for (int i = 0; i < WRITERS; i++) {
      int writer = i;
      List<String> tasks =
          IntStream.range(0, TASKS_OF_WRITER).mapToObj(t -> "steady-" + writer + "-" + t).toList();
      writers.add(new Writer(cluster.members(), tasks, changes, ledger, plan.seed() + i));
    }
    for (MemberProcess member : cluster.members()) {
      readers.add(new Reader(member, epochs, answers, tally));
    }
  }

  /** Runs to the end, or to the first blow after which the members do not come back. */
  public ChaosReport run(Listener listener) throws InterruptedException {
    long begun = System.nanoTime();
    cluster.startAll();
    if (!changes.publish(cluster.members().get(0), Strikes.ANCHOR)) {
      throw new ServingException(
          ErrorCode.UNAVAILABLE, "NOT_TAUGHT", "first task: not taught (expected: published)");
    }
    writers.forEach(Writer::start);
    readers.forEach(Reader::start);
    listener.started();
    List<Blow> blows = Blow.schedule(plan.members(), plan.kills(), plan.seed(), plan.kinds());
    int told = 0;
    for (Blow blow : blows) {
      if (!survives(blow)) {
        break;
      }
      List<String> findings = tally.findings(told);
      told += findings.size();
      listener.survived(
          blow.number(),
          blow.kind(),
          cluster.members().get(blow.victim()).name(),
          tally.lastRecovery(),
          findings);
    }
    return tally.report(plan.members(), plan.seed(), Duration.ofNanos(System.nanoTime() - begun));
  }

  private boolean survives(Blow blow) throws InterruptedException {
    LOG.debug("{}", blow);
    tally.begin(blow);
    try {
      strikes.deal(blow);
      if (cluster.members().stream().anyMatch(MemberProcess::alive)) {
        tally.awaitChange(AWAY);
      }
      cluster.makeWhole();
      tally.recovered();
      for (Writer writer : writers) {
        writer.pause();
      }
      audit(blow.kind().decidedByOne());
      writers.forEach(Writer::resume);
      return true;
    } catch (ServingException | StatusRuntimeException e) {
      tally.found(Violation.NOT_RECOVERED, String.valueOf(e.getMessage()));
      return false;
    }
  }

  /** A busy machine may tear the members apart for a moment, just now. */
  private void audit(boolean decidedByOne) throws InterruptedException {
    for (int i = 1; ; i++) {
      try {
        audit.check(decidedByOne);
        return;
      } catch (StatusRuntimeException e) {
        if (i == AUDITS || e.getStatus().getCode() != Status.Code.UNAVAILABLE) {
          throw e;
        }
        LOG.info("the audit is made again: {}", e.getMessage());
      }
    }
  }

  /** Kills all members. Twice is fine. */
  @Override
  public void close() {
    writers.forEach(Writer::close);
    readers.forEach(Reader::close);
    cluster.close();
  }
}
