package dev.perennial.server.task.cluster;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.PoolChange;
import dev.perennial.server.task.cluster.FakeNetwork.Machine;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What can happen to members, at random: they are cut off, and hear of that one after the other;
 * die, one or all; come back, to a disk that was emptied, too; stand still, read late, run out of
 * room, have slow disks. Used by one thread.
 */
final class RandomFaults {
  private final FakeNetwork network;
  private final List<String> names;
  private final Random random;
  private final Set<String> dead = new HashSet<>();
  private final Map<String, Long> epochs = new HashMap<>();
  private final List<Thread> starting = new ArrayList<>();
  private final List<String> wrong = Collections.synchronizedList(new ArrayList<>());
  private final CountDownLatch never = new CountDownLatch(1);

  /** Members that see each other, the oldest first. */
  private final List<List<String>> groups = new ArrayList<>();

  RandomFaults(FakeNetwork network, List<String> names, Random random) {
    this.network = network;
    this.names = names;
    this.random = random;
    groups.add(new ArrayList<>(names));
  }

  void strike() throws InterruptedException {
    String name = names.get(random.nextInt(names.size()));
    switch (random.nextInt(20)) {
      case 0, 1, 2 -> split();
      case 3, 4 -> merge();
      case 5, 6 -> kill(name);
      case 7, 8, 9, 10 -> boot(name);
      case 11 -> network.get(name).standStill(TestOptions.OPTIONS.standStill());
      case 12 -> network.get(name).disk.full(true);
      case 13, 14 -> network.get(name).disk.full(false);
      case 15 -> killAll();
      case 16 -> wipe(name);
      case 17 -> network.connectAll = random.nextBoolean();
      case 18 -> freezeOrThaw(name);
      default -> slow(name);
    }
    checkEpochs();
    boolean unused = never.await(random.nextInt(200), TimeUnit.MILLISECONDS);
  }

  /** Shows each its group, but for some, which hear of it later. */
  private void show(boolean all) {
    groups.removeIf(List::isEmpty);
    for (List<String> group : groups) {
      List<String> told = new ArrayList<>(group);
      Collections.shuffle(told, random);
      if (!all && random.nextInt(3) == 0) {
        told.remove(0);
      }
      for (String name : told) {
        network.get(name).viewIs(group.toArray(new String[0]));
      }
      told.forEach(name -> network.tell(name));
    }
  }

  private void split() {
    if (groups.isEmpty()) {
      return;
    }
    List<String> group = groups.get(random.nextInt(groups.size()));
    List<String> part = new ArrayList<>(group);
    part.removeIf(name -> random.nextBoolean());
    group.removeAll(part);
    groups.add(part);
    show(false);
  }

  /** The smaller parts' members come as new ones, and the youngest. */
  private void merge() {
    groups.sort((one, other) -> other.size() - one.size());
    while (groups.size() > 1) {
      List<String> part = groups.remove(1);
      part.forEach(name -> network.get(name).getsNewId());
      groups.get(0).addAll(part);
    }
    show(true);
  }

  private void kill(String name) {
    if (dead.add(name)) {
      network.get(name).kill();
      groups.forEach(group -> group.remove(name));
      show(false);
    }
  }

  private void killAll() {
    for (String name : shuffled()) {
      if (dead.add(name)) {
        network.get(name).kill();
      }
    }
    groups.clear();
    shuffled().forEach(this::boot);
  }

  private List<String> shuffled() {
    List<String> order = new ArrayList<>(names);
    Collections.shuffle(order, random);
    return order;
  }

  private void boot(String name) {
    if (!dead.remove(name)) {
      return;
    }
    Machine machine = network.get(name);
    machine.getsNewId();
    machine.boot();
    if (groups.isEmpty() || random.nextInt(4) == 0) {
      groups.add(new ArrayList<>(List.of(name)));
    } else {
      groups.get(random.nextInt(groups.size())).add(name);
    }
    show(true);
    ClusterPool member = machine.member();
    Thread thread = new Thread(() -> start(member), "start of " + name);
    thread.setUncaughtExceptionHandler((failed, e) -> wrong.add(failed.getName() + ": " + e));
    starting.add(thread);
    thread.start();
  }

  private void start(ClusterPool member) {
    try {
      member.start();
    } catch (ServingException e) {
      if (!e.reason().equals("CLOSING") && !e.reason().equals("POOL_CLOSED")) { // killed
        wrong.add("start: " + e);
      }
    }
  }

  /** Empties a disk where others have all of what was on it. */
  private void wipe(String name) {
    kill(name);
    Manifest others = Manifest.empty();
    for (String other : names) {
      if (!other.equals(name)) {
        others = new PoolChange.Union(network.onDisk(other)).after(others, Set.of());
      }
    }
    if (others.union(network.onDisk(name)).sameContent(others)) {
      network.get(name).disk.wipe();
      epochs.remove(name);
    }
    boot(name);
  }

  private void freezeOrThaw(String name) {
    if (random.nextBoolean()) {
      network.frozen.freeze(name);
    } else {
      names.forEach(network.frozen::thaw);
    }
  }

  private void slow(String name) {
    int millis = random.nextInt(3) == 0 ? 100 : 0;
    network
        .get(name)
        .disk
        .delayedBy(
            () -> {
              try {
                boolean unused = millis > 0 && never.await(millis, TimeUnit.MILLISECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
  }

  private void checkEpochs() {
    for (String name : names) {
      long now = network.onDisk(name).epoch();
      if (now < epochs.getOrDefault(name, 0L)) {
        wrong.add("epoch of " + name + ": " + now + " after " + epochs.get(name));
      }
      epochs.put(name, now);
    }
  }

  /** Ends all of it: every machine runs, has room, and sees all others. */
  void heal() {
    for (String name : names) {
      network.get(name).disk.full(false);
      network.get(name).disk.delayedBy(() -> {});
      network.frozen.thaw(name);
    }
    network.connectAll = false;
    names.forEach(this::boot);
    merge();
  }

  /** What has gone wrong, once all that was started has ended. */
  List<String> wrong() throws InterruptedException {
    for (Thread thread : starting) {
      thread.join();
    }
    checkEpochs();
    return wrong;
  }
}
