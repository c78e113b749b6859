package dev.perennial.server.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.chaos.Ledger.Shown;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the ledger notices of a server that breaks its word. */
class LedgerTest {
  private static final String TASK = "cats";

  private final Tally tally = new Tally();
  private final Ledger ledger = new Ledger(tally);

  @BeforeEach
  void begin() {
    tally.begin(new Blow(1, Kind.PUBLISH, 0, 0, 0.5));
  }

  private void publish(String... versions) {
    for (String version : versions) {
      ledger.publishUnknown(TASK, "request-" + version);
      ledger.published(TASK, "request-" + version, version);
    }
  }

  /** All members show these versions, the last one active. */
  private void shown(String... versions) {
    Shown task = new Shown(versions[versions.length - 1], Set.copyOf(Arrays.asList(versions)));
    ledger.settle(Map.of(TASK, task), true);
  }

  private void nothingShown() {
    ledger.settle(Map.of(), true);
  }

  private long found(Violation violation) {
    return tally.report(3, 1, Duration.ZERO).violations(violation);
  }

  private void assertClean() {
    ChaosReport report = tally.report(3, 1, Duration.ZERO);
    assertTrue(report.clean(), report.findings()::toString);
  }

  @Test
  void settle_allAcknowledgedIsThere_nothingFound() {
    publish("a", "b");
    shown("a", "b");
    assertClean();
    assertEquals(2, tally.report(3, 1, Duration.ZERO).acknowledged());
  }

  @Test
  void settle_acknowledgedVersionMissing_lostOnce() {
    publish("a", "b");
    shown("b");
    shown("b");
    assertEquals(1, found(Violation.LOST));
  }

  @Test
  void settle_deletedVersionIsBack_returned() {
    publish("a");
    ledger.deleted(TASK, Set.of("a"));
    nothingShown();
    assertClean();
    shown("a");
    assertEquals(1, found(Violation.RETURNED));
  }

  @Test
  void settle_deletedWhereItWasNotListed_returnedUnlessPartsHaveDecidedAlone() {
    publish("a", "b");
    ledger.deleted(TASK, Set.of("a"));
    ledger.settle(Map.of(TASK, new Shown("b", Set.of("b"))), false); // of the other part
    assertClean();
    ledger.deleted(TASK, Set.of());
    shown("b");
    assertEquals(1, found(Violation.RETURNED));
  }

  @Test
  void settle_deleteOfUnknownOutcomeInAPart_ofAllThatItListedOrNothing() {
    publish("a", "b", "c");
    ledger.deleteUnknown(TASK, Set.of("a", "b"));
    ledger.settle(Map.of(TASK, new Shown("c", Set.of("c"))), false);
    assertClean();
    publish("d", "e");
    ledger.deleteUnknown(TASK, Set.of("d", "e"));
    ledger.settle(Map.of(TASK, new Shown("c", Set.of("c", "d"))), false);
    assertEquals(1, found(Violation.HALF_VISIBLE));
  }

  @Test
  void settle_publishOfUnknownOutcome_mayBeThereOrNot_thenThatStands() {
    ledger.publishUnknown(TASK, "r");
    assertTrue(ledger.open(TASK));
    shown("a");
    assertFalse(ledger.open(TASK));
    assertClean();
    nothingShown();
    assertEquals(1, found(Violation.LOST));
  }

  @Test
  void settle_versionThatNobodyAskedFor_halfVisible() {
    shown("a");
    assertEquals(1, found(Violation.HALF_VISIBLE));
  }

  @Test
  void settle_twoVersionsOfOneRequest_halfVisible() {
    ledger.publishUnknown(TASK, "r");
    shown("a", "b");
    assertEquals(1, found(Violation.HALF_VISIBLE));
  }

  @Test
  void settle_deleteOfUnknownOutcome_allOrNothing() {
    publish("a", "b");
    ledger.deleteUnknown(TASK, Set.of("a", "b"));
    shown("a", "b");
    assertClean();
    ledger.deleteUnknown(TASK, Set.of("a", "b"));
    nothingShown();
    assertClean();
    shown("b");
    assertEquals(1, found(Violation.RETURNED));
  }

  @Test
  void settle_deletedInPart_halfVisible() {
    publish("a", "b");
    ledger.deleteUnknown(TASK, Set.of("a", "b"));
    shown("b");
    assertEquals(1, found(Violation.HALF_VISIBLE));
  }

  @Test
  void settle_rolledBackAndServesAnother_lostUnlessPartsHaveDecidedAlone() {
    publish("a", "b");
    ledger.activated(TASK, "a");
    ledger.settle(Map.of(TASK, new Shown("b", Set.of("a", "b"))), false);
    assertClean();
    ledger.activated(TASK, "a");
    shown("a", "b");
    assertEquals(1, found(Violation.LOST));
  }

  @Test
  void nowhere_jobWhoseCommitWasAnswered_lost() {
    ledger.publishUnknown(TASK, "r");
    ledger.nowhere(TASK, "r");
    assertClean();
    ledger.publishUnknown(TASK, "s");
    ledger.committed(TASK, "s");
    ledger.nowhere(TASK, "s");
    assertEquals(1, found(Violation.LOST));
  }

  @Test
  void settle_acknowledgedContributionMissing_lost() {
    String account = Ledger.contributionsTo(TASK);
    ledger.publishUnknown(account, "r");
    ledger.contributed(TASK, "r", "c");
    ledger.settle(Map.of(account, new Shown("", Set.of("c"))), true);
    assertClean();
    assertEquals(TASK, Ledger.taskOf(account));
    ledger.settle(Map.of(account, new Shown("", Set.of())), true);
    assertEquals(1, found(Violation.LOST));
  }

  @Test
  void seen_lowerThanBeforeTheCall_regression() {
    Epochs epochs = new Epochs(tally);
    long floor = epochs.floor("m");
    epochs.seen("m", floor, 5);
    epochs.seen("m", floor, 4); // asked before the other was answered
    assertClean();
    epochs.seen("m", epochs.floor("m"), 4);
    assertEquals(1, found(Violation.EPOCH_REGRESSIONS));
    assertEquals(5, epochs.highest());
  }
}
