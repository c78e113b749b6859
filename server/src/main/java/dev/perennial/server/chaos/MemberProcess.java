package dev.perennial.server.chaos;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.v1.ClusterServiceGrpc;
import dev.perennial.v1.InferenceServiceGrpc;
import dev.perennial.v1.TaskServiceGrpc;
import dev.perennial.v1.TrainingServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A member of a cluster: {@code perennial serve --cluster} in a small JVM of its own, with this
 * one's class path. It is killed, frozen, and started again on the same disk, by one thread at a
 * time; any thread may call it.
 */
public final class MemberProcess implements AutoCloseable {
  /** Longest that a member may take to be ready, on a machine that is busy. */
  private static final int READY_SECONDS = 90;

  private static final int CALL_SECONDS = 60;
  private static final String LISTENING = "listening on ";

  /** By name: it knows the commands, and they know this package. */
  private static final String MAIN = "dev.perennial.server.Main";

  private static final List<String> SMALL =
      List.of(
          "-Xmx256m",
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-Dai.djl.offline=true",
          "-Dai.djl.pytorch.num_threads=1",
          "-Dai.djl.pytorch.num_interop_threads=1");

  /**
   * How a member's JVM is started.
   *
   * @param prefix what the command line begins with: {@code ip netns exec NAME}, or nothing
   * @param jvmOptions further ones; they win over those that every member has
   */
  public record Launch(List<String> prefix, List<String> jvmOptions) {
    public static final Launch PLAIN = new Launch(List.of(), List.of());

    public Launch {
      prefix = List.copyOf(prefix);
      jvmOptions = List.copyOf(jvmOptions);
    }
  }

  private final String name;
  private final String host;
  private final Path directory;
  private final Launch launch;
  private final String clusterAddress;
  private final List<String> options;
  private volatile @Nullable Process process;
  private volatile @Nullable ManagedChannel channel;

  /** Where it answers calls: 0 before its first start, then the same in every life. */
  private volatile int port;

  private volatile CompletableFuture<String> listening = new CompletableFuture<>();

  /**
   * A member that is not started yet.
   *
   * @param directory of all members; each has a folder of its own there
   * @param launch how its JVM is started
   * @param host where calls are answered
   * @param address for the members' traffic, host:port
   * @param serve what follows {@code perennial serve}, beside the member's own name, data, address
   */
  public MemberProcess(
      Path directory, String name, Launch launch, String host, String address, List<String> serve) {
    this.host = host;
    this.directory = directory.resolve(name);
    this.name = name;
    this.launch = launch;
    this.clusterAddress = address;
    this.options =
        new ArrayList<>(
            List.of(
                "--data=" + data(),
                "--host=" + host,
                "--cluster",
                "--member-name=" + name,
                "--cluster-host=" + address.substring(0, address.indexOf(':')),
                "--cluster-port=" + address.substring(address.indexOf(':') + 1)));
    options.addAll(serve);
  }

  public String name() {
    return name;
  }

  /** Where it answers calls, host:port, from its first start on. */
  public String address() {
    return host + ":" + port;
  }

  /** Where it answers the other members, host:port. */
  public String clusterAddress() {
    return clusterAddress;
  }

  public Path data() {
    return directory.resolve("data");
  }

  /** Starts the process; returns at once. */
  public void launch() {
    List<String> command = new ArrayList<>(launch.prefix());
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(SMALL);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(launch.jvmOptions());
    command.addAll(List.of(MAIN, "serve"));
    command.addAll(options);
    command.add("--port=" + port);
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(log().toFile()));
    builder.environment().put("OMP_NUM_THREADS", "1");
    builder.environment().put("OMP_WAIT_POLICY", "passive");
    CompletableFuture<String> address = new CompletableFuture<>();
    try {
      Files.createDirectories(directory);
      Process started = builder.start();
      process = started;
      listening = address;
      Thread reader = new Thread(() -> read(started, address), "member-" + name);
      reader.setDaemon(true);
      reader.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void read(Process from, CompletableFuture<String> address) {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(from.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith(LISTENING)) {
          address.complete(line.substring(LISTENING.length()));
        }
      }
    } catch (IOException e) {
      address.completeExceptionally(e);
    }
    address.completeExceptionally(new IOException("the member has ended"));
  }

  private Path log() {
    return directory.resolve("log");
  }

  /** What the process said on stderr, over all its lives. */
  public String said() {
    try {
      return Files.readString(log());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts the process and waits until it answers calls. */
  public MemberProcess start() {
    launch();
    awaitReady();
    return this;
  }

  /** Waits until it answers calls; throws UNAVAILABLE with its log where it does not. */
  public void awaitReady() {
    try {
      String address = listening.get(READY_SECONDS, TimeUnit.SECONDS);
      disconnect();
      port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
      channel = NettyChannelBuilder.forTarget(address).usePlaintext().build();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw notReady(e);
    } catch (ExecutionException | TimeoutException e) {
      throw notReady(e);
    }
  }

  private ServingException notReady(Exception cause) {
    return new ServingException(
        ErrorCode.UNAVAILABLE,
        "MEMBER_NOT_READY",
        "member " + name + ": not listening (expected: ready); it said:\n" + said(),
        cause);
  }

  /** The exit code of a process that is expected to end by itself. */
  public int awaitEnd() throws InterruptedException {
    Process running = process();
    if (!running.waitFor(READY_SECONDS, TimeUnit.SECONDS)) {
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "MEMBER_GOES_ON",
          "member " + name + ": runs (expected: its end); it said:\n" + said());
    }
    return running.exitValue();
  }

  public boolean alive() {
    Process started = process;
    return started != null && started.isAlive();
  }

  private Process process() {
    Process started = process;
    if (started == null) {
      throw new IllegalStateException(name + ": not started");
    }
    return started;
  }

  /** SIGKILL; returns once the process is gone. */
  public void kill() {
    Process running = process();
    running.destroyForcibly();
    try {
      running.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    disconnect();
  }

  /** SIGTERM: it drains and ends. Returns its exit code once it is gone. */
  public int terminate() throws InterruptedException {
    signal("-TERM");
    int exit = awaitEnd();
    disconnect();
    return exit;
  }

  /** SIGSTOP: it stands still. */
  public void freeze() {
    signal("-STOP");
  }

  /** SIGCONT. */
  public void thaw() {
    signal("-CONT");
  }

  private void signal(String signal) {
    try {
      int exit =
          new ProcessBuilder("kill", signal, Long.toString(process().pid())).start().waitFor();
      if (exit != 0) {
        throw new IllegalStateException("kill " + signal + ": exit code " + exit);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Removes everything from its disk; it must be dead. */
  public void wipe() {
    if (alive()) {
      throw new IllegalStateException(name + ": alive (expected: dead)");
    }
    try (Stream<Path> files = Files.walk(data())) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** To the process that runs now; throws UNAVAILABLE where none has been reached. */
  public ManagedChannel channel() {
    ManagedChannel connected = channel;
    if (connected == null) {
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "MEMBER_NOT_CONNECTED",
          "member " + name + ": not connected (expected: started)");
    }
    return connected;
  }

  public TaskServiceGrpc.TaskServiceBlockingStub tasks() {
    return TaskServiceGrpc.newBlockingStub(channel())
        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }

  public TrainingServiceGrpc.TrainingServiceBlockingStub training() {
    return TrainingServiceGrpc.newBlockingStub(channel())
        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }

  public ClusterServiceGrpc.ClusterServiceBlockingStub cluster() {
    return ClusterServiceGrpc.newBlockingStub(channel())
        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }

  public InferenceServiceGrpc.InferenceServiceBlockingStub inference() {
    return InferenceServiceGrpc.newBlockingStub(channel())
        .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }

  public ServingStatus health() {
    return HealthGrpc.newBlockingStub(channel())
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .check(HealthCheckRequest.getDefaultInstance())
        .getStatus();
  }

  private void disconnect() {
    ManagedChannel connected = channel;
    channel = null;
    if (connected != null) {
      connected.shutdownNow();
    }
  }

  /** Kills it where it runs. Twice is fine. */
  @Override
  public void close() {
    if (process != null) {
      kill();
    }
  }
}
