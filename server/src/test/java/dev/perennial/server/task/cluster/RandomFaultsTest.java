package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersions;
import dev.perennial.server.task.cluster.FakeNetwork.Machine;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Members that are cut off, die, stand still, run out of room and lose messages, all at random,
 * while others publish at them: once all of that is over, all are ready and agree, nothing that was
 * acknowledged is missing, and no epoch ever went back.
 */
@Timeout(120)
class RandomFaultsTest {
  private static final List<String> NAMES = List.of("a", "b", "c", "d");
  private static final int FAULTS = 60;

  @RegisterExtension final FakeNetwork network = new FakeNetwork(NAMES.toArray(new String[0]));
  private final Map<String, String> acknowledged = new ConcurrentHashMap<>();
  private final List<String> wrong = Collections.synchronizedList(new ArrayList<>());
  private final Set<String> dead = ConcurrentHashMap.newKeySet();
  private final Map<String, Long> epochs = new HashMap<>();
  private final List<Thread> threads = new ArrayList<>();

  /** Members that see each other, the oldest first. */
  private final List<List<String>> groups = new ArrayList<>();

  private volatile boolean writing = true;

  private void run(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setUncaughtExceptionHandler((failed, e) -> wrong.add(name + ": " + e));
    threads.add(thread);
    thread.start();
  }

  /** Publishes one task after the other, each of its own, at members as they come. */
  private void write(String writer) {
    for (int i = 0; writing; i++) {
      TaskVersion version = TaskVersions.random(writer + "-" + i, i);
      Machine at = network.get(NAMES.get(ThreadLocalRandom.current().nextInt(NAMES.size())));
      try {
        at.member().publish(version);
        acknowledged.put(version.task(), TaskVersions.id(version));
      } catch (ServingException e) {
        assertFalse(e.reason().isEmpty()); // it was not acknowledged
      }
    }
  }

  private void show() {
    groups.removeIf(List::isEmpty);
    groups.forEach(group -> network.group(group.toArray(new String[0])));
  }

  private void split(Random random) {
    List<String> group = groups.get(random.nextInt(groups.size()));
    List<String> part = new ArrayList<>(group);
    part.removeIf(name -> random.nextBoolean());
    group.removeAll(part);
    groups.add(part);
    show();
  }

  /** The smaller part's members come as the youngest. */
  private void merge() {
    groups.sort((one, other) -> other.size() - one.size());
    while (groups.size() > 1) {
      groups.get(0).addAll(groups.remove(1));
    }
    show();
  }

  private void kill(String name) {
    if (dead.add(name)) {
      network.get(name).kill();
      groups.forEach(group -> group.remove(name));
      show();
    }
  }

  private void boot(String name) {
    if (dead.remove(name)) {
      Machine machine = network.get(name);
      machine.boot();
      groups.add(new ArrayList<>(List.of(name)));
      merge();
      ClusterPool member = machine.member();
      run(
          "start of " + name,
          () -> {
            try {
              member.start();
            } catch (ServingException e) {
              assertTrue(
                  e.reason().equals("CLOSING") || e.reason().equals("POOL_CLOSED")); // killed
            }
          });
    }
  }

  private void fault(Random random) {
    String name = NAMES.get(random.nextInt(NAMES.size()));
    switch (random.nextInt(9)) {
      case 0, 1 -> split(random);
      case 2 -> merge();
      case 3 -> {
        if (dead.size() < 2) {
          kill(name);
        }
      }
      case 4, 5 -> boot(name);
      case 6 -> network.get(name).standStill(FakeNetwork.OPTIONS.standStill());
      case 7 -> network.get(name).disk.full(true);
      default -> network.get(name).disk.full(false);
    }
  }

  private void checkEpochs() {
    for (String name : NAMES) {
      long now = network.onDisk(name).epoch();
      if (now < epochs.getOrDefault(name, 0L)) {
        wrong.add("epoch of " + name + ": " + now + " after " + epochs.get(name));
      }
      epochs.put(name, now);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 9})
  void publish_underRandomFaults_nothingAcknowledgedIsLostAndAllAgree(long seed) throws Exception {
    Random random = new Random(seed);
    network.startTogether(NAMES.toArray(new String[0]));
    groups.add(new ArrayList<>(NAMES));
    network.loses = (asker, request) -> ThreadLocalRandom.current().nextInt(50) == 0;
    network.refuses = (target, request) -> ThreadLocalRandom.current().nextInt(50) == 0;
    for (String writer : List.of("one", "two", "three")) {
      run(writer, () -> write(writer));
    }
    CountDownLatch never = new CountDownLatch(1);
    for (int i = 0; i < FAULTS; i++) {
      fault(random);
      checkEpochs();
      assertFalse(never.await(random.nextInt(200), TimeUnit.MILLISECONDS));
    }
    writing = false;
    network.loses = (asker, request) -> false;
    network.refuses = (target, request) -> false;
    NAMES.forEach(name -> network.get(name).disk.full(false));
    NAMES.forEach(this::boot);
    merge();
    for (Thread thread : List.copyOf(threads)) {
      thread.join();
    }
    network.untilSame(NAMES.toArray(new String[0]));
    network.close();
    checkEpochs();
    assertEquals(List.of(), wrong);
    Manifest all = network.onDisk("a");
    acknowledged.forEach(
        (task, version) -> assertTrue(all.versions(task).contains(version), task + " is lost"));
    assertTrue(acknowledged.size() > 3, acknowledged::toString);
  }
}
