package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.v1.ActivateTaskVersionRequest;
import dev.perennial.v1.GetClusterRequest;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.Member;
import dev.perennial.v1.MemberState;
import dev.perennial.v1.TaskVersion;
import dev.perennial.v1.TrainingJob;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Members of one cluster on this machine, and what tests ask of them as a whole. */
final class LocalCluster implements AutoCloseable {
  private static final int WAIT_SECONDS = 120;

  private final Path directory;
  private final List<String> addresses;
  private final Map<String, MemberProcess> members = new LinkedHashMap<>();

  private LocalCluster(Path directory, List<String> addresses) {
    this.directory = directory;
    this.addresses = addresses;
  }

  /** Members at free ports of the loopback interface. */
  static LocalCluster onLoopback(Path directory, String... names) {
    LocalCluster cluster = new LocalCluster(directory, freeAddresses(names.length));
    for (int i = 0; i < names.length; i++) {
      String address = cluster.addresses.get(i);
      cluster.members.put(
          names[i], new MemberProcess(directory, names[i], List.of(), address, cluster.addresses));
    }
    return cluster;
  }

  /** Members in network namespaces of their own. */
  static LocalCluster inNamespaces(Path directory, Map<String, String> hostOfNamespace) {
    List<String> addresses = hostOfNamespace.values().stream().map(host -> host + ":5701").toList();
    LocalCluster cluster = new LocalCluster(directory, addresses);
    hostOfNamespace.forEach(
        (namespace, host) ->
            cluster.members.put(
                namespace,
                new MemberProcess(
                    directory,
                    namespace,
                    List.of("ip", "netns", "exec", namespace),
                    host + ":5701",
                    addresses)));
    return cluster;
  }

  private static List<String> freeAddresses(int count) {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      }
      List<String> addresses =
          sockets.stream().map(socket -> "127.0.0.1:" + socket.getLocalPort()).toList();
      for (ServerSocket socket : sockets) {
        socket.close();
      }
      return addresses;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts all, the processes side by side. */
  void startAll() {
    members.values().forEach(MemberProcess::launch);
    members.values().forEach(MemberProcess::awaitReady);
    awaitOneState();
  }

  /** Starts those that are dead. */
  void makeWhole() {
    List<MemberProcess> dead = members.values().stream().filter(member -> !member.alive()).toList();
    dead.forEach(MemberProcess::launch);
    dead.forEach(MemberProcess::awaitReady);
    awaitOneState();
  }

  MemberProcess get(String name) {
    return Objects.requireNonNull(members.get(name), name);
  }

  List<MemberProcess> members() {
    return List.copyOf(members.values());
  }

  List<MemberProcess> others(MemberProcess one) {
    return members.values().stream().filter(member -> member != one).toList();
  }

  /** Another process that wants to join; not started. */
  MemberProcess stranger(String name) {
    return new MemberProcess(directory, name, List.of(), freeAddresses(1).get(0), addresses);
  }

  /** The member that decides, as the first that answers knows it. */
  MemberProcess coordinator() {
    return get(
        describe(members().get(0)).stream()
            .filter(Member::getCoordinator)
            .findFirst()
            .orElseThrow()
            .getName());
  }

  /** One that does not. */
  MemberProcess follower() {
    return others(coordinator()).get(0);
  }

  List<Member> describe(MemberProcess member) {
    return member.cluster().getCluster(GetClusterRequest.getDefaultInstance()).getMembersList();
  }

  /** Waits until every member sees all as ready and at one state. */
  void awaitOneState() {
    CountDownLatch never = new CountDownLatch(1);
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (!members.values().stream().allMatch(this::seesOneState)) {
      try {
        if (System.nanoTime() - until > 0 || never.await(200, TimeUnit.MILLISECONDS)) {
          throw new AssertionError("members: " + describe(members().get(0)));
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private boolean seesOneState(MemberProcess asked) {
    List<Member> seen;
    try {
      seen = describe(asked);
    } catch (StatusRuntimeException e) {
      return false; // between two groups
    }
    return seen.size() == members.size()
        && seen.stream().allMatch(one -> one.getState() == MemberState.MEMBER_STATE_READY)
        && seen.stream().map(Member::getDigest).distinct().count() == 1;
  }

  String active(MemberProcess member, String task) {
    return task(member, task).getActiveVersionId();
  }

  Set<String> versions(MemberProcess member, String task) {
    return task(member, task).getVersionsList().stream()
        .map(TaskVersion::getVersionId)
        .collect(Collectors.toSet());
  }

  private static dev.perennial.v1.Task task(MemberProcess member, String task) {
    return member.tasks().getTask(GetTaskRequest.newBuilder().setName(task).build()).getTask();
  }

  String fingerprint() {
    return members.values().iterator().next().fingerprint();
  }

  /** Teaches, again and again while nobody can decide. */
  TrainingJob teachUntilAccepted(MemberProcess member, String task, long seed) {
    AssertionError last = new AssertionError("not tried");
    for (int i = 0; i < 5; i++) {
      try {
        return member.teach(task, seed);
      } catch (AssertionError e) {
        last = e;
      }
    }
    throw last;
  }

  /** Rolls back at that member; returns why not, or nothing. */
  String tryActivate(MemberProcess member, String task, String versionId) {
    try {
      member
          .tasks()
          .activateTaskVersion(
              ActivateTaskVersionRequest.newBuilder()
                  .setName(task)
                  .setVersionId(versionId)
                  .build());
      return "";
    } catch (StatusRuntimeException e) {
      assertEquals(Status.Code.UNAVAILABLE, e.getStatus().getCode(), e.toString());
      return String.valueOf(e.getStatus().getDescription());
    }
  }

  /** Every version on a member's disk has the bytes that its name says. */
  void checkVersionFiles(MemberProcess member) {
    try (Stream<Path> files = Files.list(member.data().resolve("tasks/versions"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".safetensors")).toList()) {
        String id = file.getFileName().toString().replace(".safetensors", "");
        assertEquals(id, TaskVersionFile.versionId(Files.readAllBytes(file)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    members.values().forEach(MemberProcess::close);
  }
}
