package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.chaos.LocalCluster;
import dev.perennial.server.chaos.MemberProcess;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.TrainingJob;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Changes a cluster without pause, at any member that answers, and remembers what was acknowledged:
 * that must be there in the end, and at no member may the epoch go back. (Across members it may,
 * where a busy machine tears the cluster apart for a moment.)
 */
final class ChangeLog implements AutoCloseable {
  private static final int TASKS = 3;

  /** On a machine that is busy with other things, too. */
  private static final int WAIT_SECONDS = 150;

  private final LocalCluster cluster;
  private final Random random = new Random(20_261_121);
  private final Thread thread = new Thread(this::work, "changes");

  /** Per task what its acknowledged versions are; guarded by this. */
  private final Map<String, Set<String>> acknowledged = new HashMap<>();

  /** Tasks whose last change failed: it may have happened. Guarded by this. */
  private final Set<String> uncertain = new HashSet<>();

  /** Per member the epochs that it has acknowledged, in order; guarded by this. */
  private final Map<String, List<Long>> epochs = new HashMap<>();

  private int changes;
  private int failures;
  private @Nullable Throwable lastFailure;
  private volatile boolean stopped;
  private volatile @Nullable Throwable broken;

  ChangeLog(LocalCluster cluster) {
    this.cluster = cluster;
    thread.setDaemon(true);
    thread.start();
  }

  private void work() {
    try {
      for (long seed = 100; !stopped; seed++) {
        List<MemberProcess> members = cluster.members();
        change(members.get(random.nextInt(members.size())), seed);
      }
    } catch (Throwable e) {
      broken = e;
    }
  }

  private void change(MemberProcess member, long seed) {
    String task = "change-" + random.nextInt(TASKS);
    boolean delete = random.nextInt(4) == 0;
    try {
      if (delete) {
        delete(member, task);
      } else {
        TrainingJob job = Teaching.teach(member, task, seed);
        acknowledged(member, task, job.getVersionId(), job.getEpoch());
      }
    } catch (RuntimeException | AssertionError e) {
      synchronized (this) {
        failures++;
        lastFailure = e;
        if (delete) {
          uncertain.add(task);
        }
      }
    }
  }

  private void delete(MemberProcess member, String task) {
    synchronized (this) {
      if (!acknowledged.containsKey(task)) {
        return;
      }
    }
    long epoch =
        member.tasks().deleteTask(DeleteTaskRequest.newBuilder().setName(task).build()).getEpoch();
    synchronized (this) {
      acknowledged.remove(task);
      acknowledged(member, epoch);
    }
  }

  private synchronized void acknowledged(MemberProcess member, long epoch) {
    epochs.computeIfAbsent(member.name(), name -> new ArrayList<>()).add(epoch);
    changes++;
    notifyAll();
  }

  private synchronized void acknowledged(
      MemberProcess member, String task, String versionId, long epoch) {
    acknowledged.computeIfAbsent(task, name -> new HashSet<>()).add(versionId);
    uncertain.remove(task);
    acknowledged(member, epoch);
  }

  /** Waits until so many more changes are acknowledged. */
  synchronized void awaitMore(int count) throws InterruptedException {
    int wanted = changes + count;
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (changes < wanted) {
      if (broken != null || System.nanoTime() - until > 0) {
        throw new AssertionError(
            changes + " of " + wanted + " changes, " + failures + " failed",
            broken == null ? lastFailure : broken);
      }
      wait(100);
    }
  }

  void stop() throws InterruptedException {
    stopped = true;
    thread.join();
  }

  /** Everything that was acknowledged is at every member, its bytes intact. */
  synchronized void check() {
    for (List<Long> ofMember : epochs.values()) {
      for (int i = 1; i < ofMember.size(); i++) {
        assertTrue(ofMember.get(i) > ofMember.get(i - 1), epochs::toString);
      }
    }
    for (MemberProcess member : cluster.members()) {
      acknowledged.forEach(
          (task, versions) -> {
            if (!uncertain.contains(task)) {
              Set<String> missing = new HashSet<>(versions);
              missing.removeAll(cluster.versions(member, task));
              assertEquals(Set.of(), missing, "lost at " + member.name());
            }
          });
      ClusterIT.checkVersionFiles(member);
    }
  }

  @Override
  public void close() {
    stopped = true;
  }
}
