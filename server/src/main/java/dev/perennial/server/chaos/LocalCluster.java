package dev.perennial.server.chaos;

import dev.perennial.server.chaos.MemberProcess.Launch;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.v1.GetClusterRequest;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.Member;
import dev.perennial.v1.MemberState;
import dev.perennial.v1.Task;
import dev.perennial.v1.TaskVersion;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Members of one cluster on this machine, and what is asked of them as a whole. */
public final class LocalCluster implements AutoCloseable {
  private static final int WAIT_SECONDS = 120;
  private static final int LOWEST_PORT = 15_000;
  private static final int HIGHEST_PORT = 32_000;
  private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

  /**
   * What all members have in common.
   *
   * @param model their model's directory; null for the built-in one
   * @param heartbeatTimeout a member that is silent for so long is given up by the others
   * @param mergeDelay how often parts that were torn apart look for each other
   */
  public record Settings(@Nullable Path model, Duration heartbeatTimeout, Duration mergeDelay) {
    private List<String> options(List<String> addresses) {
      return options("--cluster-members=" + String.join(",", addresses));
    }

    /** What a member's command line says beside its own name and address. */
    public List<String> options(String join) {
      List<String> options =
          new ArrayList<>(
              List.of(
                  "--cluster-name=local",
                  join,
                  "--cluster-heartbeat-timeout=" + heartbeatTimeout.toSeconds() + "s",
                  "--cluster-merge-delay=" + mergeDelay.toSeconds() + "s"));
      if (model != null) {
        options.add("--model=" + model);
      }
      return options;
    }
  }

  /**
   * Where a member lives.
   *
   * @param namespace its network namespace, and its name
   * @param host where it answers calls
   * @param clusterHost its address for the members' traffic
   */
  public record Seat(String namespace, String host, String clusterHost) {}

  private static final String LOOPBACK = "127.0.0.1";

  private final Path directory;
  private final List<String> addresses;
  private final Map<String, MemberProcess> members = new LinkedHashMap<>();

  private LocalCluster(Path directory, List<String> addresses) {
    this.directory = directory;
    this.addresses = addresses;
  }

  /** Members at free ports of the loopback interface; not started. */
  public static LocalCluster onLoopback(Path directory, Settings settings, List<String> names) {
    LocalCluster cluster = new LocalCluster(directory, freeAddresses(names.size()));
    for (int i = 0; i < names.size(); i++) {
      cluster.add(names.get(i), Launch.PLAIN, LOOPBACK, cluster.addresses.get(i), settings);
    }
    return cluster;
  }

  /** Members in network namespaces of their own; not started. */
  public static LocalCluster inNamespaces(Path directory, Settings settings, List<Seat> seats) {
    List<String> addresses = seats.stream().map(seat -> seat.clusterHost() + ":5701").toList();
    LocalCluster cluster = new LocalCluster(directory, addresses);
    for (Seat seat : seats) {
      cluster.add(
          seat.namespace(),
          new Launch(List.of("ip", "netns", "exec", seat.namespace()), List.of()),
          seat.host(),
          seat.clusterHost() + ":5701",
          settings);
    }
    return cluster;
  }

  /** Members that somebody else has made; not started. */
  public static LocalCluster of(Path directory, List<MemberProcess> members) {
    LocalCluster cluster =
        new LocalCluster(directory, members.stream().map(MemberProcess::clusterAddress).toList());
    members.forEach(member -> cluster.members.put(member.name(), member));
    return cluster;
  }

  private void add(String name, Launch launch, String host, String address, Settings settings) {
    members.put(
        name,
        new MemberProcess(directory, name, launch, host, address, settings.options(addresses)));
  }

  private static List<String> freeAddresses(int count) {
    return Stream.generate(() -> LOOPBACK + ":" + freePort()).limit(count).toList();
  }

  /**
   * For a member's traffic; nobody has it now, and nobody else gets it from here. Below those that
   * the system lends: a dead member's port must be there when it comes back.
   */
  public static int freePort() {
    Random random = new Random();
    int port;
    do {
      port = random.nextInt(LOWEST_PORT, HIGHEST_PORT);
    } while (!isFree(port) || !GIVEN.add(port));
    return port;
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (BindException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts all, the processes side by side. */
  public void startAll() {
    members.values().forEach(MemberProcess::launch);
    members.values().forEach(MemberProcess::awaitReady);
    awaitOneState();
  }

  /** Starts those that are dead, and waits until all are ready; the pool may go on changing. */
  public void makeWhole() {
    List<MemberProcess> dead = members.values().stream().filter(member -> !member.alive()).toList();
    dead.forEach(MemberProcess::launch);
    dead.forEach(MemberProcess::awaitReady);
    await(this::seesAllReady, "all ready");
  }

  public MemberProcess get(String name) {
    return Objects.requireNonNull(members.get(name), name);
  }

  public List<MemberProcess> members() {
    return List.copyOf(members.values());
  }

  public List<MemberProcess> others(MemberProcess one) {
    return members.values().stream().filter(member -> member != one).toList();
  }

  /** Another process that wants to join at an address of its own; not started. */
  public MemberProcess stranger(String name, Settings settings) {
    return new MemberProcess(
        directory,
        name,
        Launch.PLAIN,
        LOOPBACK,
        freeAddresses(1).get(0),
        settings.options(addresses));
  }

  /** The member that decides, as the first one knows it. */
  public MemberProcess coordinator() {
    return get(
        describe(members().get(0)).stream()
            .filter(Member::getCoordinator)
            .findFirst()
            .orElseThrow()
            .getName());
  }

  /** One that does not. */
  public MemberProcess follower() {
    return others(coordinator()).get(0);
  }

  /** All members, with the versions on their disks, as one of them sees them. */
  public List<Member> describe(MemberProcess member) {
    return member
        .cluster()
        .getCluster(GetClusterRequest.newBuilder().setWithVersions(true).build())
        .getMembersList();
  }

  /** Waits until every member sees all as ready and at one state; throws UNAVAILABLE. */
  public void awaitOneState() {
    await(this::seesOneState, "all ready, at one state");
  }

  private void await(Predicate<List<Member>> sees, String expected) {
    CountDownLatch never = new CountDownLatch(1);
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    try {
      while (!members.values().stream().allMatch(asked -> sees.test(seen(asked)))) {
        if (System.nanoTime() - until > 0 || never.await(100, TimeUnit.MILLISECONDS)) {
          throw new ServingException(
              ErrorCode.UNAVAILABLE,
              "NOT_TOGETHER",
              "members: " + seen(members().get(0)) + " (expected: " + expected + ")");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ServingException(ErrorCode.UNAVAILABLE, "INTERRUPTED", "cluster: interrupted", e);
    }
  }

  /** Nobody where the member is between two groups. */
  private List<Member> seen(MemberProcess asked) {
    try {
      return describe(asked);
    } catch (StatusRuntimeException e) {
      return List.of();
    }
  }

  private boolean seesAllReady(List<Member> seen) {
    return seen.size() == members.size()
        && seen.stream().allMatch(one -> one.getState() == MemberState.MEMBER_STATE_READY);
  }

  private boolean seesOneState(List<Member> seen) {
    return seesAllReady(seen) && seen.stream().map(Member::getDigest).distinct().count() == 1;
  }

  public String active(MemberProcess member, String task) {
    return task(member, task).getActiveVersionId();
  }

  public Set<String> versions(MemberProcess member, String task) {
    return task(member, task).getVersionsList().stream()
        .map(TaskVersion::getVersionId)
        .collect(Collectors.toSet());
  }

  private static Task task(MemberProcess member, String task) {
    return member.tasks().getTask(GetTaskRequest.newBuilder().setName(task).build()).getTask();
  }

  /** Kills all. Twice is fine. */
  @Override
  public void close() {
    members.values().forEach(MemberProcess::close);
  }
}
