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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiPredicate;
import java.util.function.BooleanSupplier;
import java.util.function.ToLongBiFunction;
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
  private ClusterOptions options;

  /** A machine: its disk outlives its process. */
  final class Machine implements Members {
    final String name;
    final InMemoryTaskStore disk = new InMemoryTaskStore();
    private final Map<Level, ExecutorService> threads = new ConcurrentHashMap<>();
    private volatile Identity identity;
    private volatile Running process;
    private volatile TaskPool pool;
    private volatile ClusterPool member;
    private volatile boolean rejoining;
    private final AtomicLong stoodStill = new AtomicLong();

    Machine(String name) {
      this.name = name;
      this.identity = new Identity(name, new View(name, List.of(name)));
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
      process = new Running(this);
      pool = TaskPool.open(disk, TaskVersions.BACKBONE, TaskVersions.EMBED_DIM);
      LocalMember local = new LocalMember(pool, name, "1.0");
      member = new ClusterPool(pool, process, local, options, this::nanoTime);
    }

    /** The process dies at once: nothing that it does from now on reaches its disk. */
    void kill() {
      process.alive = false;
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

    /** To the others it is another member from now on, alone at first: nobody knows its old id. */
    void getsNewId() {
      String id = name + "#" + ids.incrementAndGet();
      identity = new Identity(id, new View(id, List.of(id)));
    }

    /** Shows this member alone another view; it is not told. */
    void viewIs(String... names) {
      String id = identity.id;
      identity = new Identity(id, new View(id, Stream.of(names).map(this::idOf).toList()));
      rejoining = false;
    }

    private String idOf(String other) {
      return get(other).identity.id;
    }

    byte[] answer(byte[] request) {
      return process.answering.apply(request);
    }

    @Override
    public View view() {
      if (rejoining) {
        throw ServingException.unavailable(
            "REJOINING", "between two groups", Duration.ofSeconds(1));
      }
      return identity.view;
    }

    @Override
    public void serve(Topic topic, UnaryOperator<byte[]> how) {
      process.answering = how;
    }

    @Override
    public void listen(Runnable listener) {
      process.changed = listener;
    }

    @Override
    public CompletableFuture<byte[]> ask(String to, Topic topic, Level level, byte[] request) {
      return process.ask(to, topic, level, request);
    }
  }

  /** Who a member is to the others, and how it sees them. */
  private record Identity(String id, View view) {}

  /** What runs on a machine until it is killed; nobody hears of it afterwards. */
  private final class Running implements Members {
    private final Machine machine;
    private volatile boolean alive = true;
    private volatile UnaryOperator<byte[]> answering = request -> request;
    private volatile Runnable changed = () -> {};

    Running(Machine machine) {
      this.machine = machine;
    }

    @Override
    public View view() {
      return machine.view();
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
      Machine target = machines.get(to.replaceFirst("#.*", ""));
      if (target == null || !connected(this, target.process, to)) {
        return CompletableFuture.failedFuture(new IOException(to + " is gone"));
      }
      if (refuses.test(target.name, request)) {
        return CompletableFuture.failedFuture(new IOException("not sent to " + to));
      }
      CompletableFuture<byte[]> answer = new CompletableFuture<>();
      Running asked = target.process;
      Runnable work = () -> answer(asked, to, request, answer);
      Executor threads =
          target.threads.computeIfAbsent(
              level, any -> Executors.newCachedThreadPool(FakeNetwork::daemon));
      if (!frozen.keeps(target.name, work)) {
        long millis = delayMillis.applyAsLong(target.name, request);
        (millis == 0
                ? threads
                : CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS, threads))
            .execute(work);
      }
      return answer;
    }

    private void answer(
        Running asked, String to, byte[] request, CompletableFuture<byte[]> answer) {
      if (!connected(this, asked, to)) {
        answer.completeExceptionally(new IOException(to + " is gone"));
        return;
      }
      String name = asked.machine.name;
      byte[] content =
          asked.answering.apply(isNew.test(name, request) ? renamed(request) : request);
      boolean lost = loses.test(machine.name, request);
      if (!connected(this, asked, to)) {
        answer.completeExceptionally(new IOException(to + " has left"));
      } else if (!lost) {
        answer.complete(content);
      }
    }
  }

  private final AtomicLong ids = new AtomicLong();

  final Map<String, Machine> machines = new ConcurrentHashMap<>();

  /** Members that say nothing. */
  final FrozenMembers frozen = new FrozenMembers();

  /** For how long a request to that member is under way. */
  volatile ToLongBiFunction<String, byte[]> delayMillis = (target, request) -> 0;

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
    this(TestOptions.OPTIONS, names);
  }

  FakeNetwork(ClusterOptions options, String... names) {
    this.options = options;
    for (String name : names) {
      new Machine(name);
    }
  }

  /** Members that are not started yet do not wait long for one that says nothing. */
  void isImpatient() {
    options = TestOptions.OPTIONS;
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

  /** Both live, the one asked is still who it was, and each sees the other. */
  private boolean connected(Running one, Running other, String id) {
    Identity from = one.machine.identity;
    Identity to = other.machine.identity;
    return one.alive
        && other.alive
        && to.id.equals(id)
        && (connectAll || (from.view.ids().contains(to.id) && to.view.ids().contains(from.id)));
  }

  Machine get(String name) {
    return Objects.requireNonNull(machines.get(name));
  }

  /** From now on these see each other, and nobody else, in this order. */
  void group(String... names) {
    for (String name : names) {
      get(name).viewIs(names);
    }
    Stream.of(names).forEach(this::tell);
  }

  /** Tells a member that its view may be another. */
  void tell(String name) {
    get(name).process.changed.run();
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
        .filter(member -> member.memberId().equals(get(machine).identity.id))
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
