package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.Example;
import dev.perennial.client.Examples;
import dev.perennial.client.Image;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.PerennialException;
import dev.perennial.client.TrainingJob;
import dev.perennial.client.TrainingListener;
import dev.perennial.client.TrainingOptions;
import dev.perennial.client.TrainingRun;
import dev.perennial.client.TrainingSpec;
import dev.perennial.server.chaos.MemberProcess;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The Java client under load while members of a cluster, real JVMs, are killed and restarted: no
 * request may fail. In the Maven profile {@code cluster}: {@code mvn verify -Pcluster
 * -Dit.test=FailoverIT}.
 */
@Tag("cluster")
@Timeout(400)
class FailoverIT extends ThreeMembers {
  private static final double RATE = 40;

  private static PerennialClient connect() {
    return PerennialClient.builder()
        .target(
            cluster.members().stream().map(MemberProcess::address).collect(Collectors.joining(",")))
        .build();
  }

  @Test
  void kill9_underLoad_noRequestFails() throws Exception {
    try (PerennialClient client = connect();
        SteadyLoad load = SteadyLoad.start(client, RATE)) {
      load.awaitMore(80);
      for (MemberProcess victim : cluster.members()) {
        victim.kill();
        load.awaitMore(120);
        cluster.makeWhole();
        load.awaitMore(40);
      }
      load.stop();
      assertEquals(List.of(), load.failures());
    }
  }

  /** What it has in flight is given up after 15 s, and asked of another. */
  @Test
  void freeze_underLoad_noRequestFails() throws Exception {
    try (PerennialClient client = connect();
        SteadyLoad load = SteadyLoad.start(client, RATE)) {
      load.awaitMore(80);
      MemberProcess victim = cluster.follower();
      victim.freeze();
      try {
        load.awaitMore(80);
        load.stop(); // all have ended, while it still stands still
      } finally {
        victim.thaw();
      }
      assertEquals(List.of(), load.failures());
    }
    cluster.makeWhole();
  }

  @Test
  void rollingRestart_underLoad_noRequestFails() throws Exception {
    try (PerennialClient client = connect();
        SteadyLoad load = SteadyLoad.start(client, RATE)) {
      load.awaitMore(80);
      for (MemberProcess member : cluster.members()) {
        member.terminate();
        member.start();
      }
      load.awaitMore(80);
      load.stop();
      assertEquals(List.of(), load.failures());
    }
  }

  @Test
  void upload_everyMemberKilledInTurn_allExamplesAreTrainedOn() throws Exception {
    uploadThrough(MemberProcess::kill);
  }

  /** The upload leaves by itself: no member that stops waits for a source that gives nothing. */
  @Test
  void upload_everyMemberRestartedInTurn_noneWaitsForIt() throws Exception {
    uploadThrough(
        member -> {
          int signal = 15;
          assertEquals(128 + signal, member.terminate());
          assertFalse(member.said().contains("calls were still running"), member.said());
        });
  }

  private interface Blow {
    void hit(MemberProcess member) throws InterruptedException;
  }

  /** Examples that are given once; each member is hit while the source waits. */
  private static void uploadThrough(Blow blow) throws InterruptedException {
    int stage = 40;
    int all = stage * (1 + cluster.members().size());
    List<CountDownLatch> gates =
        cluster.members().stream().map(member -> new CountDownLatch(1)).toList();
    Iterator<Example> examples =
        IntStream.range(0, all)
            .mapToObj(i -> i < stage ? example(i) : behind(gates.get(i / stage - 1), i))
            .iterator();
    Acknowledged acknowledged = new Acknowledged();
    try (PerennialClient client = connect()) {
      TrainingRun run =
          client.train(
              TrainingSpec.of("colours")
                  .options(TrainingOptions.DEFAULTS.depth(2).prefixLength(2).epochs(1)),
              Examples.once(examples),
              acknowledged);
      for (int i = 0; i < gates.size(); i++) {
        acknowledged.await(stage * (i + 1));
        blow.hit(cluster.members().get(i));
        gates.get(i).countDown();
        acknowledged.await(stage * (i + 1) + 1);
        cluster.makeWhole();
      }
      TrainingJob job = run.await().orThrow();
      assertEquals(all, job.examples());
      assertTrue(acknowledged.resumed.get() > 0);
    }
  }

  private static Example example(int i) {
    return new Example(
        Image.encoded(Teaching.image(i).getEncoded().toByteArray()),
        Teaching.COLOURS.get(i % Teaching.COLOURS.size()));
  }

  private static Example behind(CountDownLatch gate, int i) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return example(i);
  }

  /** How many examples are acknowledged, at the most so far. */
  private static final class Acknowledged implements TrainingListener {
    private long examples;
    private final AtomicInteger resumed = new AtomicInteger();

    @Override
    public synchronized void spooled(long count) {
      examples = Math.max(examples, count);
      notifyAll();
    }

    @Override
    public void resuming(PerennialException cause) {
      resumed.incrementAndGet();
    }

    synchronized void await(int count) throws InterruptedException {
      while (examples < count) {
        wait();
      }
    }
  }
}
