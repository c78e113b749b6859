package dev.perennial.server.chaos;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What was acknowledged, task by task, and what was asked for with an unknown outcome. One change
 * of a task at a time. Safe for any thread.
 *
 * <p>A change whose answer never came may have happened or not; the task is then left alone until
 * the next {@link #settle}, which sees what became of it. From then on, that stands.
 */
final class Ledger {
  /** Versions of a task, at most: fewer than the pool keeps. */
  static final int MAX_VERSIONS = 10;

  /** What no task's name has. */
  private static final String CONTRIBUTIONS = " contributions";

  /**
   * A task as all members show it.
   *
   * @param versions ids, the active one's among them
   */
  record Shown(String active, Set<String> versions) {}

  private static final class Account {
    final Set<String> there = new HashSet<>();
    final Set<String> gone = new HashSet<>();

    /** Deleted where they were not listed: if parts have decided alone, they may be another's. */
    final Set<String> unseen = new HashSet<>();

    /** Trainings whose end was not told, by request id; true where their commit was answered. */
    final Map<String, Boolean> openRequests = new TreeMap<>();

    boolean openDelete;

    /** Null where that is not known. */
    @Nullable String active;
  }

  private final Tally tally;

  @GuardedBy("this")
  private final Map<String, Account> accounts = new TreeMap<>();

  Ledger(Tally tally) {
    this.tally = tally;
  }

  @GuardedBy("this")
  private Account account(String task) {
    return accounts.computeIfAbsent(task, name -> new Account());
  }

  /** Whether the outcome of a change of the task is unknown. */
  synchronized boolean open(String task) {
    Account account = account(task);
    return account.openDelete || !account.openRequests.isEmpty();
  }

  /** Acknowledged versions of a task. */
  synchronized Set<String> versions(String task) {
    return Set.copyOf(account(task).there);
  }

  synchronized void published(String task, String requestId, String versionId) {
    Account account = account(task);
    account.openRequests.remove(requestId);
    account.there.add(versionId);
    account.active = versionId;
    tally.acknowledged();
  }

  /** Statistics were added to a task. */
  synchronized void contributed(String task, String requestId, String contributionId) {
    Account account = account(contributionsTo(task));
    account.openRequests.remove(requestId);
    account.there.add(contributionId);
    tally.acknowledged();
  }

  /** The account of what was added to a task. */
  static String contributionsTo(String task) {
    return task + CONTRIBUTIONS;
  }

  /** The task of an account. */
  static String taskOf(String account) {
    return account.endsWith(CONTRIBUTIONS)
        ? account.substring(0, account.length() - CONTRIBUTIONS.length())
        : account;
  }

  synchronized void publishUnknown(String task, String requestId) {
    account(task).openRequests.put(requestId, false);
    account(task).active = null;
  }

  /** A training's commit was answered: its job is there from now on. */
  synchronized void committed(String task, String requestId) {
    account(task).openRequests.replace(requestId, true);
  }

  /** Trainings whose end is not known, by task. */
  synchronized Map<String, Set<String>> openRequests() {
    Map<String, Set<String>> open = new TreeMap<>();
    accounts.forEach(
        (task, account) -> {
          if (!account.openRequests.isEmpty()) {
            open.put(task, Set.copyOf(account.openRequests.keySet()));
          }
        });
    return open;
  }

  /** No member knows the training, now that all are back. */
  synchronized void nowhere(String task, String requestId) {
    if (Boolean.TRUE.equals(account(task).openRequests.remove(requestId))) {
      tally.found(Violation.LOST, task + ", job of " + requestId + ", whose commit was answered");
    }
  }

  /**
   * A task was deleted.
   *
   * @param seen the versions that were listed where it was asked for, just before
   */
  synchronized void deleted(String task, Set<String> seen) {
    Account account = account(task);
    account.unseen.addAll(minus(account.there, seen));
    account.gone.addAll(account.there);
    account.there.clear();
    account.active = null;
    tally.acknowledged();
  }

  /** The same, where no answer came. */
  synchronized void deleteUnknown(String task, Set<String> seen) {
    Account account = account(task);
    account.unseen.addAll(minus(account.there, seen));
    account.openDelete = true;
  }

  synchronized void activated(String task, String versionId) {
    account(task).active = versionId;
    tally.acknowledged();
  }

  synchronized void activateUnknown(String task) {
    account(task).active = null;
  }

  /**
   * Compares what all members show with what they have acknowledged.
   *
   * @param decidedByOne whether one member at a time decided: then a task's last change stands, and
   *     a deletion is of all versions, not only of those that its part knew
   */
  synchronized void settle(Map<String, Shown> shown, boolean decidedByOne) {
    Set<String> tasks = new HashSet<>(accounts.keySet());
    tasks.addAll(shown.keySet());
    for (String task : tasks) {
      settle(task, account(task), shown.getOrDefault(task, new Shown("", Set.of())), decidedByOne);
    }
  }

  private void settle(String task, Account account, Shown shown, boolean decidedByOne) {
    Set<String> missing = minus(account.there, shown.versions());
    Set<String> deletable = decidedByOne ? account.there : minus(account.there, account.unseen);
    if (account.openDelete && missing.containsAll(deletable)) {
      account.gone.addAll(account.there); // it happened
      account.active = null;
      missing = Set.of();
    } else if (account.openDelete && !missing.isEmpty()) {
      tally.found(Violation.HALF_VISIBLE, task + " is deleted in part, without " + missing);
    } else {
      missing.forEach(id -> tally.found(Violation.LOST, task + ", version " + id));
    }
    Set<String> returned = new HashSet<>(account.gone);
    returned.retainAll(shown.versions());
    returned.removeAll(account.there);
    if (!decidedByOne) {
      returned.removeAll(account.unseen);
    }
    returned.forEach(id -> tally.found(Violation.RETURNED, task + ", version " + id));
    Set<String> unknown = minus(minus(shown.versions(), account.there), account.gone);
    if (unknown.size() > account.openRequests.size()) {
      tally.found(
          Violation.HALF_VISIBLE,
          task + ": unknown " + unknown + ", open: " + account.openRequests.keySet());
    }
    String active = account.active;
    if (decidedByOne && active != null && missing.isEmpty() && !active.equals(shown.active())) {
      tally.found(Violation.LOST, task + " serves " + shown.active() + ", decided: " + active);
    }
    account.there.clear();
    account.there.addAll(shown.versions());
    account.gone.removeAll(shown.versions());
    account.unseen.clear();
    account.openRequests.clear();
    account.openDelete = false;
    account.active = shown.active().isEmpty() ? null : shown.active();
  }

  private static Set<String> minus(Set<String> all, Set<String> without) {
    Set<String> left = new HashSet<>(all);
    left.removeAll(without);
    return left;
  }
}
