package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.task.Manifest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * All that can happen to members, at random, while others publish, roll back, contribute, withdraw
 * and delete at them: once it is over, all are ready and agree, nothing that was acknowledged is
 * missing, nothing deleted is back, no epoch ever went back, and no file is left over.
 */
@Timeout(240)
class RandomFaultsTest {
  private static final List<String> NAMES = List.of("a", "b", "c", "d");
  private static final int FAULTS = 60;

  @RegisterExtension final FakeNetwork network = new FakeNetwork(NAMES.toArray(new String[0]));

  private int acknowledged;

  @ParameterizedTest
  @ValueSource(longs = {4, 9})
  void changes_underRandomFaults_nothingAcknowledgedIsLostAndAllAgree(long seed) throws Exception {
    assertEquals(List.of(), run(seed));
    assertTrue(acknowledged > 0);
  }

  /** What does not hold after faults in the seed's order; threads are as fast as they are. */
  List<String> run(long seed) throws Exception {
    List<String> wrong = Collections.synchronizedList(new ArrayList<>());
    Random random = new Random(seed);
    network.startTogether(NAMES.toArray(new String[0]));
    RandomFaults faults = new RandomFaults(network, NAMES, random);
    List<RandomWriter> writers = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (String name : List.of("one", "two", "three")) {
      RandomWriter writer = new RandomWriter(name, network, NAMES, random.nextLong());
      writers.add(writer);
      Thread thread = new Thread(writer, name);
      thread.setUncaughtExceptionHandler((failed, e) -> wrong.add(name + ": " + e));
      threads.add(thread);
    }
    network.loses = (asker, request) -> oneOf(50);
    network.refuses = (target, request) -> oneOf(50);
    network.delayMillis =
        (target, request) -> oneOf(50) ? ThreadLocalRandom.current().nextInt(1_500) : 0;
    threads.forEach(Thread::start);
    for (int i = 0; i < FAULTS; i++) {
      faults.strike();
    }
    writers.forEach(RandomWriter::stop);
    network.loses = (asker, request) -> false;
    network.refuses = (target, request) -> false;
    network.delayMillis = (target, request) -> 0;
    faults.heal();
    for (Thread thread : threads) {
      thread.join();
    }
    network.untilSame(NAMES.toArray(new String[0]));
    for (int last = 1; last < 10 && !leftOver().isEmpty(); last++) {
      network.publish("a", "last", last); // files that nobody needs go with the next change
      network.untilSame(NAMES.toArray(new String[0]));
    }
    wrong.addAll(leftOver());
    network.close();
    wrong.addAll(faults.wrong());
    Manifest all = network.onDisk("a");
    for (RandomWriter writer : writers) {
      wrong.addAll(writer.wrong(all));
      acknowledged += writer.acknowledged();
    }
    for (String name : NAMES) {
      all.fileIds().forEach(id -> network.get(name).disk.getVersion(id));
    }
    return wrong;
  }

  /** Files that are there, and that no manifest names. */
  private List<String> leftOver() {
    List<String> found = new ArrayList<>();
    for (String name : NAMES) {
      Set<String> files = new HashSet<>(network.get(name).disk.versionIds());
      files.removeAll(network.onDisk(name).fileIds());
      files.forEach(file -> found.add("left over at " + name + ": " + file));
    }
    return found;
  }

  private static boolean oneOf(int count) {
    return ThreadLocalRandom.current().nextInt(count) == 0;
  }
}
