package dev.perennial.server.chaos;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.v1.TrainingJobState;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Deals blows. Used by one thread; afterwards members may be dead, none stands still. */
final class Strikes {
  /** A task that nobody deletes: there is always something to ask about. */
  static final String ANCHOR = "anchor";

  /** The anchor's, and the run's. */
  private static final int FIRST_LESSON = 1;

  /** The task whose changes are hit. */
  private static final String TASK = "hit";

  /** The task of uploads that are never committed. */
  private static final String NEVER = "never";

  /** Rounds of a training that takes a few seconds. */
  private static final int LONG = 150;

  private static final Duration SOON = Duration.ofSeconds(20);

  /** Milliseconds that each thing takes, about; a blow falls within. */
  private static final int PUBLISH_MILLIS = 150;

  private static final int DELETE_MILLIS = 60;
  private static final int SPOOLING_MILLIS = 800;
  private static final int TRAINING_MILLIS = 1_500;
  private static final int START_MILLIS = 4_000;
  private static final int CHANGES_MILLIS = 500;
  private static final int EXAMPLE_MILLIS = 5;

  /** Times the heartbeat timeout. */
  private static final int LONGEST_FREEZE = 2;

  private final LocalCluster cluster;
  private final Changes changes;
  private final Ledger ledger;
  private final Tally tally;
  private final LocalCluster.Settings settings;

  Strikes(
      LocalCluster cluster,
      Changes changes,
      Ledger ledger,
      Tally tally,
      LocalCluster.Settings settings) {
    this.cluster = cluster;
    this.changes = changes;
    this.ledger = ledger;
    this.tally = tally;
    this.settings = settings;
  }

  void deal(Blow blow) throws InterruptedException {
    MemberProcess victim = cluster.members().get(blow.victim());
    MemberProcess target = cluster.members().get(blow.target());
    switch (blow.kind()) {
      case PUBLISH -> publish(blow, victim, target);
      case DELETE -> delete(blow, victim, target);
      case SPOOLING -> spooling(blow, victim);
      case TRAINING -> training(blow, victim);
      case CONTRIBUTING -> contributing(blow, victim, target);
      case MERGING -> merging(blow, victim, target);
      case START_UP -> startUp(blow, victim);
      case WHOLE_CLUSTER -> wholeCluster(blow);
      case EMPTY_DISK -> emptyDisk(blow, victim);
      case FREEZE -> freeze(blow, victim);
    }
  }

  private void kill(MemberProcess victim) {
    tally.hit(1);
    victim.kill();
  }

  private static void rest(double millis) throws InterruptedException {
    TimeUnit.MICROSECONDS.sleep((long) (1_000 * millis));
  }

  private void publish(Blow blow, MemberProcess victim, MemberProcess target)
      throws InterruptedException {
    Changes.Begun begun = changes.begin(target, TASK, Changes.SHORT);
    boolean unused = begun.upload().await(TrainingJobState.TRAINING_JOB_STATE_PUBLISHING, SOON);
    rest(blow.moment() * PUBLISH_MILLIS);
    kill(victim);
    changes.end(begun);
  }

  private void delete(Blow blow, MemberProcess victim, MemberProcess target)
      throws InterruptedException {
    if (ledger.versions(TASK).isEmpty()) {
      changes.publish(target, TASK);
    }
    CompletableFuture<Boolean> deleted =
        CompletableFuture.supplyAsync(() -> changes.delete(target, TASK));
    rest(blow.moment() * DELETE_MILLIS);
    kill(victim);
    deleted.join();
  }

  private void spooling(Blow blow, MemberProcess victim) throws InterruptedException {
    Upload upload = Upload.open(victim, changes.lesson(NEVER, Changes.SHORT));
    int examples = (int) (blow.moment() * SPOOLING_MILLIS / EXAMPLE_MILLIS);
    for (int i = 0; i < examples; i++) {
      upload.sendExample(i);
      rest(EXAMPLE_MILLIS);
    }
    kill(victim);
  }

  private void training(Blow blow, MemberProcess victim) throws InterruptedException {
    Changes.Begun begun = changes.begin(victim, TASK, LONG);
    boolean unused = begun.upload().await(TrainingJobState.TRAINING_JOB_STATE_RUNNING, SOON);
    rest(blow.moment() * TRAINING_MILLIS);
    kill(victim);
    changes.end(begun);
  }

  /** To a task that is never deleted, of the first lesson. */
  private void contributing(Blow blow, MemberProcess victim, MemberProcess target)
      throws InterruptedException {
    Changes.Begun begun = changes.contribute(target, ANCHOR, FIRST_LESSON);
    boolean unused = begun.upload().await(TrainingJobState.TRAINING_JOB_STATE_RUNNING, SOON);
    rest(blow.moment() * PUBLISH_MILLIS);
    kill(victim);
    changes.end(begun);
  }

  /** The one that was away is the target; any member may be the victim when it returns. */
  private void merging(Blow blow, MemberProcess victim, MemberProcess away)
      throws InterruptedException {
    List<MemberProcess> others = cluster.others(away);
    away.freeze();
    try {
      awaitGivenUp(others);
      changes.publish(others.get(0), TASK);
    } finally {
      away.thaw();
    }
    rest(blow.moment() * 2 * settings.mergeDelay().toMillis());
    kill(victim);
  }

  /** Waits until the others go on without the one that is missing. */
  private void awaitGivenUp(List<MemberProcess> others) throws InterruptedException {
    long until = System.nanoTime() + 4 * settings.heartbeatTimeout().plus(SOON).toNanos();
    while (!seesOnly(others)) {
      if (System.nanoTime() - until > 0) {
        throw new ServingException(
            ErrorCode.DEADLINE_EXCEEDED,
            "NOT_GIVEN_UP",
            "members: the one that stands still among them (expected: given up)");
      }
      rest(100);
    }
  }

  private boolean seesOnly(List<MemberProcess> members) {
    try {
      return cluster.describe(members.get(0)).size() == members.size();
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  private void startUp(Blow blow, MemberProcess victim) throws InterruptedException {
    kill(victim);
    victim.launch();
    rest(blow.moment() * START_MILLIS);
    kill(victim);
  }

  private void wholeCluster(Blow blow) throws InterruptedException {
    rest(blow.moment() * CHANGES_MILLIS);
    List<MemberProcess> order = new ArrayList<>(cluster.members());
    Collections.rotate(order, blow.victim());
    tally.hit(order.size());
    order.forEach(MemberProcess::kill);
  }

  private void emptyDisk(Blow blow, MemberProcess victim) throws InterruptedException {
    rest(blow.moment() * CHANGES_MILLIS);
    kill(victim);
    victim.wipe();
  }

  private void freeze(Blow blow, MemberProcess victim) throws InterruptedException {
    tally.hit(0);
    victim.freeze();
    try {
      rest(1_000 + blow.moment() * LONGEST_FREEZE * settings.heartbeatTimeout().toMillis());
    } finally {
      victim.thaw();
    }
  }
}
