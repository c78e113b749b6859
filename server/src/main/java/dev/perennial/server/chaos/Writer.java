package dev.perennial.server.chaos;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Changes a few tasks without pause, at any member: the steady work that goes on while members are
 * killed. A thread of its own.
 */
final class Writer implements AutoCloseable {
  private static final double DELETES = 0.2;
  private static final double ROLL_BACKS = 0.2;
  private static final int REST_MILLIS = 100;

  private final List<MemberProcess> members;
  private final List<String> tasks;
  private final Changes changes;
  private final Ledger ledger;
  private final Random random;
  private final Thread thread;

  @GuardedBy("this")
  private boolean paused;

  @GuardedBy("this")
  private boolean working;

  @GuardedBy("this")
  private boolean closed;

  Writer(
      List<MemberProcess> members, List<String> tasks, Changes changes, Ledger ledger, long seed) {
    this.members = members;
    this.tasks = tasks;
    this.changes = changes;
    this.ledger = ledger;
    this.random = new Random(seed);
    this.thread = new Thread(this::work, "chaos-writer-" + tasks.get(0));
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void work() {
    try {
      while (begins()) {
        boolean done = change();
        synchronized (this) {
          working = false;
          notifyAll();
        }
        if (!done) {
          TimeUnit.MILLISECONDS.sleep(REST_MILLIS);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean begins() throws InterruptedException {
    while (paused && !closed) {
      wait();
    }
    working = !closed;
    return working;
  }

  private boolean change() throws InterruptedException {
    MemberProcess member = members.get(random.nextInt(members.size()));
    String task = tasks.get(random.nextInt(tasks.size()));
    double choice = random.nextDouble();
    int which = random.nextInt(Ledger.MAX_VERSIONS);
    if (ledger.open(task)) {
      return false;
    }
    Set<String> versions = ledger.versions(task);
    if (!versions.isEmpty() && (choice < DELETES || versions.size() == Ledger.MAX_VERSIONS)) {
      return changes.delete(member, task);
    }
    if (versions.size() > 1 && choice < DELETES + ROLL_BACKS) {
      List<String> ids = new ArrayList<>(versions);
      return changes.activate(member, task, ids.get(which % ids.size()));
    }
    return changes.publish(member, task);
  }

  /** Returns once no change is under way. */
  synchronized void pause() throws InterruptedException {
    paused = true;
    while (working) {
      wait();
    }
  }

  synchronized void resume() {
    paused = false;
    notifyAll();
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    thread.interrupt();
  }
}
