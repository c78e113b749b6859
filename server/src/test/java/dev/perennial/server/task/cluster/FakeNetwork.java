package dev.perennial.server.task.cluster;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.cluster.Members;
import dev.perennial.server.cluster.View;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.ClusterView;
import dev.perennial.server.task.InMemoryTaskStore;
import dev.perennial.server.task.LocalMember;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiPredicate;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Members in this JVM, each with a store of its own, and a network between them that tests cut,
 * heal, and lose answers on. A member's view is what the test gives it. A test that registers it
 * has a new one for each method.
 */
final class FakeNetwork implements AfterEachCallback, AutoCloseable {
  static final ClusterOptions OPTIONS =
      new ClusterOptions(
          Duration.ofSeconds(10),
          Duration.ofSeconds(1),
          Duration.ofMillis(100),
          Duration.ofMillis(100),
          Duration.ofMillis(20),
          Duration.ofSeconds(30),
          1);

  /**
   * Where all answer: a change is acknowledged once every member has it, however long that takes.
   */
  static final ClusterOptions PATIENT =
      new ClusterOptions(
          OPTIONS.change(),
          Duration.ofMinutes(1),
          Duration.ofMinutes(1),
          OPTIONS.devices(),
          OPTIONS.tend(),
          OPTIONS.standStill(),
          OPTIONS.startSize());

  private ClusterOptions options;

  /** A machine: its disk outlives its process. */
  final class Machine implements Members {
    final String name;
    final InMemoryTaskStore disk = new InMemoryTaskStore();
    private final Map<Level, ExecutorService> threads = new ConcurrentHashMap<>();
    private volatile View view;
    private volatile TaskPool pool;
    private volatile ClusterPool member;
    private volatile UnaryOperator<byte[]> answering = request -> request;
    private volatile Runnable changed = () -> {};
    private volatile boolean alive;
    private volatile boolean rejoining;
    private final AtomicLong stoodStill = new AtomicLong();

    Machine(String name) {
      this.name = name;
      this.view = new View(name, List.of(name));
      machines.put(name, this);
      boot();
    }

    ClusterPool member() {
      return member;
    }

    TaskPool pool() {
      return pool;
    }

    /** A new process on what the disk holds; it is up to the test to show it to the others. */
    final void boot() {
      pool = TaskPool.open(disk, TaskVersions.BACKBONE, TaskVersions.EMBED_DIM);
      LocalMember local = new LocalMember(pool, name, "1.0");
      member = new ClusterPool(pool, this, local, options, this::nanoTime);
      alive = true;
    }

    /** The process dies at once: nothing that it does from now on reaches its disk. */
    void kill() {
      alive = false;
      pool.close();
      member.close();
    }

    /** Turned by the test alone: a busy machine is no process that stands still. */
    private long nanoTime() {
      return stoodStill.get();
    }

    /** From now on it is so much later here: as if the process had been stopped for that time. */
    void standStill(Duration time) {
      stoodStill.addAndGet(time.toNanos());
    }

    /** It is on its way from one group to another, until it gets a view. */
    void rejoins() {
      rejoining = true;
    }

    /** Shows this member alone another view; it is not told. */
    void viewIs(String... names) {
      view = new View(name, List.of(names));
      rejoining = false;
    }

    byte[] answer(byte[] request) {
      return answering.apply(request);
    }

    @Override
    public View view() {
      if (rejoining) {
        throw ServingException.unavailable(
            "REJOINING", "between two groups", Duration.ofSeconds(1));
      }
      return view;
    }

    @Override
    public void serve(Topic topic, UnaryOperator<byte[]> how) {
      answering = how;
    }

    @Override
    public void listen(Runnable listener) {
      changed = listener;
    }

    @Override
    public CompletableFuture<byte[]> ask(String to, Topic topic, Level level, byte[] request) {
      Machine target = machines.get(to);
      CompletableFuture<byte[]> answer = new CompletableFuture<>();
      if (target == null || !connected(this, target)) {
        return CompletableFuture.failedFuture(new IOException(to + " is gone"));
      }
      if (refuses.test(to, request)) {
        return CompletableFuture.failedFuture(new IOException("not sent to " + to));
      }
      if (frozen.contains(to)) {
        return answer;
      }
      target
          .threads
          .computeIfAbsent(level, any -> Executors.newCachedThreadPool(FakeNetwork::daemon))
          .execute(
              () -> {
                byte[] content =
                    target.answer(isNew.test(to, request) ? renamed(request) : request);
                boolean lost = loses.test(name, request);
                if (!connected(this, target)) {
                  answer.completeExceptionally(new IOException(to + " has left"));
                } else if (!lost) {
                  answer.complete(content);
                }
              });
      return answer;
    }
  }

  final Map<String, Machine> machines = new ConcurrentHashMap<>();

  /** Members that say nothing. */
  final Set<String> frozen = ConcurrentHashMap.newKeySet();

  /** Whether the answer to a request of that member is lost. */
  volatile BiPredicate<String, byte[]> loses = (asker, request) -> false;

  /** Whether a request to that member fails and does not arrive. */
  volatile BiPredicate<String, byte[]> refuses = (target, request) -> false;

  /** Whether that is what a request is about. */
  static boolean isOf(Class<? extends Request> kind, byte[] request) {
    return new String(request, StandardCharsets.UTF_8)
        .contains("\"op\":\"" + kind.getSimpleName() + "\"");
  }

  /** Whether a question is one that a member, of older software, does not know. */
  volatile BiPredicate<String, byte[]> isNew = (asked, request) -> false;

  private static byte[] renamed(byte[] request) {
    return new String(request, StandardCharsets.UTF_8)
        .replace("\"op\":\"", "\"op\":\"Newer")
        .getBytes(StandardCharsets.UTF_8);
  }

  FakeNetwork(String... names) {
    this(OPTIONS, names);
  }

  FakeNetwork(ClusterOptions options, String... names) {
    this.options = options;
    for (String name : names) {
      new Machine(name);
    }
  }

  /** Members that are not started yet do not wait long for one that says nothing. */
  void isImpatient() {
    options = OPTIONS;
    for (Machine machine : machines.values()) {
      machine.kill();
      machine.boot();
    }
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "fake-member");
    thread.setDaemon(true);
    return thread;
  }

  /** Messages arrive, whatever the views are. */
  volatile boolean connectAll;

  /** Both live, and each sees the other. */
  private boolean connected(Machine one, Machine other) {
    if (connectAll) {
      return one.alive && other.alive;
    }
    return one.alive
        && other.alive
        && one.view.ids().contains(other.name)
        && other.view.ids().contains(one.name);
  }

  Machine get(String name) {
    return Objects.requireNonNull(machines.get(name));
  }

  /** From now on these see each other, and nobody else, in this order. */
  void group(String... names) {
    for (String name : names) {
      get(name).viewIs(names);
    }
    for (String name : names) {
      get(name).changed.run();
    }
  }

  /** Starts members one after the other, as a group that grows. */
  void startTogether(String... names) {
    List<String> there = new ArrayList<>();
    for (String name : names) {
      there.add(name);
      group(there.toArray(new String[0]));
      get(name).member.start();
    }
  }

  /** Starts them likewise, and the first gets a task: cats. */
  void startWithCats(String... names) {
    startTogether(names);
    publish(names[0], "cats", 1);
  }

  /** Publishes a version of that task, as the seed has it, at that machine. */
  PoolSnapshot publish(String machine, String task, long seed) {
    return get(machine).member.publish(TaskVersions.random(task, seed));
  }

  Manifest onDisk(String machine) {
    return get(machine).disk.manifest();
  }

  /** What a member says of itself. */
  ClusterView.Member itself(String machine) {
    return get(machine).member.describe(false).members().stream()
        .filter(member -> member.memberId().equals(machine))
        .findFirst()
        .orElseThrow();
  }

  /** Waits, without counting on time, until what the members do by themselves is done. */
  static void until(BooleanSupplier condition) throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    for (int i = 0; i < 6_000 && !condition.getAsBoolean(); i++) {
      assertFalse(never.await(10, TimeUnit.MILLISECONDS));
    }
    assertTrue(condition.getAsBoolean());
  }

  /** Waits until all of them are ready, at one manifest, with all of its files. */
  void untilSame(String... names) throws InterruptedException {
    Machine first = get(names[0]);
    until(
        () ->
            Stream.of(names)
                .map(this::get)
                .allMatch(
                    machine ->
                        machine.disk.manifest().equals(first.disk.manifest())
                            && machine.member.ready()));
    for (String name : names) {
      assertTrue(get(name).disk.versionIds().containsAll(first.disk.manifest().fileIds()));
    }
  }

  @Override
  public void afterEach(ExtensionContext test) {
    close();
  }

  @Override
  public void close() {
    for (Machine machine : machines.values()) {
      machine.member.close();
      machine.threads.values().forEach(ExecutorService::shutdownNow);
    }
  }
}
