package dev.perennial.server.training;

import dev.perennial.server.cluster.Members;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.cluster.ClusterJobs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BiPredicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Members in this JVM that train, each with a disk and a host of its own, and a network between
 * them that tests cut and lose answers on. Views are what the test gives them. A test that
 * registers it has new ones for each method.
 */
final class FakeCluster implements BeforeEachCallback, AfterEachCallback, AutoCloseable {
  /** One process on a machine; a machine that is started again has another name, and its disk. */
  final class Member implements Members {
    final String name;
    final Path disk;
    final FullDisk room = new FullDisk();
    final FakeHost host = new FakeHost();
    final ClusterJobs peers;
    final TrainingJobs jobs;
    private final ExecutorService threads =
        Executors.newCachedThreadPool(
            work -> {
              Thread thread = new Thread(work, "fake-member");
              thread.setDaemon(true);
              return thread;
            });
    private final List<Runnable> listeners = new ArrayList<>();
    private @Nullable UnaryOperator<byte[]> answering;
    private volatile View view;
    private volatile boolean alive = true;

    Member(String name, Path disk) {
      this.name = name;
      this.disk = disk;
      this.view = new View(name, List.of(name));
      this.peers = new ClusterJobs(this);
      this.jobs =
          new TrainingJobs(
              disk,
              host,
              TrainingConfig.DEFAULT,
              room,
              TestJobs.CLOCK,
              () -> System.nanoTime() + later.toNanos(),
              peers);
      host.beforeFence =
          fence -> {
            Member coordinator = get(view.coordinator());
            if (!connected(this, coordinator)) {
              throw new ServingException(ErrorCode.UNAVAILABLE, "CUT_OFF", "network: cut");
            }
            coordinator.peers.require(fence, name);
          };
    }

    /** The process dies: nothing that it says from now on is heard. */
    void kill() {
      alive = false;
      room.kill();
      host.beforeStep =
          step -> {
            throw new ServingException(ErrorCode.UNAVAILABLE, "KILLED", "process: killed");
          };
      peers.close();
    }

    boolean alive() {
      return alive;
    }

    /** What this member alone believes to be there, the oldest first. */
    void sees(String... names) {
      view = new View(name, List.of(names));
      listeners.forEach(Runnable::run);
    }

    @Override
    public View view() {
      return view;
    }

    @Override
    public void serve(Topic topic, UnaryOperator<byte[]> how) {
      answering = how;
    }

    @Override
    public void listen(Runnable changed) {
      listeners.add(changed);
    }

    @Override
    public CompletableFuture<byte[]> ask(String to, Topic topic, Level level, byte[] request) {
      Member target = get(to);
      CompletableFuture<byte[]> answer = new CompletableFuture<>();
      String text = new String(request, StandardCharsets.UTF_8);
      if (!connected(this, target) || stops.test(name, text)) {
        return CompletableFuture.failedFuture(new IOException(to + " is gone"));
      }
      Runnable work =
          () -> {
            byte[] content = target.answer(request);
            if (connected(this, target) && !loses.test(name, text)) {
              answer.complete(content);
            } else {
              answer.completeExceptionally(new IOException("lost"));
            }
          };
      try {
        if (delays.test(name, text)) {
          int millis = ThreadLocalRandom.current().nextInt(LATEST_MILLIS);
          CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS, target.threads)
              .execute(work);
          answer.completeExceptionally(new IOException("silent"));
        } else {
          target.threads.execute(work);
        }
      } catch (RejectedExecutionException e) {
        answer.completeExceptionally(e);
      }
      return answer;
    }

    private byte[] answer(byte[] request) {
      UnaryOperator<byte[]> how = answering;
      return how == null
          ? Wire.failure(
              new ServingException(ErrorCode.UNAVAILABLE, "MEMBER_STARTING", "member: starting"))
          : how.apply(request);
    }
  }

  private static final int LATEST_MILLIS = 100;

  private final String[] names;
  private final Map<String, Member> members = new ConcurrentHashMap<>();
  private Path directory = Path.of("");

  /** How far the members' clocks are ahead. */
  volatile Duration later = Duration.ZERO;

  /** Whether that member's question never arrives. */
  volatile BiPredicate<String, String> stops = (asker, question) -> false;

  /** Whether the answer to that member's question is lost. */
  volatile BiPredicate<String, String> loses = (asker, question) -> false;

  /** Whether it arrives late, when its asker has given up. */
  volatile BiPredicate<String, String> delays = (asker, question) -> false;

  FakeCluster(String... names) {
    this.names = names;
  }

  @Override
  public void beforeEach(ExtensionContext test) throws IOException {
    start();
  }

  @Override
  public void afterEach(ExtensionContext test) {
    close();
  }

  /** On empty disks. */
  void start() throws IOException {
    directory = Files.createTempDirectory("fake-cluster");
    for (String name : names) {
      members.put(name, new Member(name, path(name)));
    }
    group(names);
    for (String name : names) {
      get(name).jobs.start();
    }
  }

  /** A file of a member, as {@code b/jobs}. */
  Path path(String file) {
    return directory.resolve(file);
  }

  /** What is in a directory of a member. */
  List<String> names(String file) {
    return List.of(Objects.requireNonNull(path(file).toFile().list()));
  }

  /** The jobs that a member knows, the newest first. */
  List<String> ids(String member) {
    return get(member).jobs.jobs(null).stream().map(TrainingJob::jobId).toList();
  }

  /** Trains at that member; returns once every member that it sees knows the job. */
  TrainingJob train(String name, TrainingSpec spec) throws Exception {
    TrainingJob job = TestJobs.train(get(name).jobs, spec);
    for (String member : get(name).view.ids()) {
      untilKnown(member, job.jobId());
    }
    return job;
  }

  private void untilKnown(String member, String jobId) {
    TestJobs.until(() -> ids(member).contains(jobId));
  }

  /** Waits until a member has heard of a job, and that it has ended. */
  TrainingJob ended(String member, String jobId) throws Exception {
    untilKnown(member, jobId);
    return TestJobs.ended(get(member).jobs, jobId);
  }

  /** A new process on that one's disk; the caller shows it to the others and starts it. */
  Member onDiskOf(String before, String name) {
    Member member = new Member(name, path(before));
    members.put(name, member);
    return member;
  }

  Member get(String name) {
    return Objects.requireNonNull(members.get(name), name);
  }

  /** From now on these see each other, and nobody else, the oldest first. */
  void group(String... names) {
    for (String name : names) {
      get(name).sees(names);
    }
  }

  private static boolean connected(Member one, Member other) {
    return one.alive
        && other.alive
        && one.view.ids().contains(other.name)
        && other.view.ids().contains(one.name);
  }

  @Override
  public void close() {
    for (Member member : members.values()) {
      member.peers.close();
      member.jobs.close();
      member.host.close();
      member.threads.shutdownNow();
    }
    TestJobs.until(this::isDeleted);
  }

  /** False where a thread that is about to end still writes. */
  private boolean isDeleted() {
    try {
      Disk.REAL.delete(directory);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
