package dev.perennial.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.v1.ClusterServiceGrpc;
import dev.perennial.v1.InferenceServiceGrpc;
import dev.perennial.v1.TaskServiceGrpc;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
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
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A member of a cluster: {@code perennial serve --cluster} in a JVM of its own, small, with {@link
 * TinyModel}. Tests kill it, freeze it, and start it again on the same disk.
 */
final class MemberProcess implements AutoCloseable {
  /** Longest that a member may take to be ready, on a machine that is busy. */
  private static final int READY_SECONDS = 90;

  private static final String LISTENING = "listening on ";

  final String name;
  private final Path directory;
  private final List<String> prefix;
  private final List<String> options;
  private @Nullable Process process;
  private @Nullable ManagedChannel channel;
  private CompletableFuture<String> listening = new CompletableFuture<>();

  /**
   * A member that is not started yet.
   *
   * @param prefix what the command line begins with: {@code ip netns exec NAME}, or nothing
   * @param address for the members' traffic, host:port; calls are answered at the same host
   * @param addresses of all members
   */
  MemberProcess(
      Path directory, String name, List<String> prefix, String address, List<String> addresses) {
    String host = address.substring(0, address.indexOf(':'));
    this.directory = directory.resolve(name);
    this.name = name;
    this.prefix = prefix;
    this.options =
        new ArrayList<>(
            List.of(
                "--host=" + host,
                "--port=0",
                "--cluster",
                "--cluster-name=test",
                "--member-name=" + name,
                "--cluster-host=" + host,
                "--cluster-port=" + address.substring(address.indexOf(':') + 1),
                "--cluster-members=" + String.join(",", addresses),
                "--cluster-heartbeat-timeout=8s",
                "--cluster-merge-delay=3s"));
  }

  Path data() {
    return directory.resolve("data");
  }

  /** Starts the process; returns at once. */
  void launch() {
    launch(TinyModel.write(directory.resolve("model")));
  }

  /** The same with another model. */
  void launch(Path model) {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dai.djl.offline=true",
            "-Dai.djl.pytorch.num_threads=1",
            "-Dai.djl.pytorch.num_interop_threads=1",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "serve",
            "--model=" + model,
            "--data=" + data()));
    command.addAll(options);
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.appendTo(log().toFile()));
    builder.environment().put("OMP_NUM_THREADS", "1");
    builder.environment().put("OMP_WAIT_POLICY", "passive");
    try {
      Files.createDirectories(directory);
      Process started = builder.start();
      process = started;
      listening = new CompletableFuture<>();
      Thread reader = new Thread(() -> read(started, listening), "member-" + name);
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

  /** What the process said on stderr. */
  String said() {
    try {
      return Files.readString(log());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  MemberProcess start() {
    launch();
    awaitReady();
    return this;
  }

  /** Waits until it answers calls. */
  void awaitReady() {
    try {
      String address = listening.get(READY_SECONDS, TimeUnit.SECONDS);
      disconnect();
      channel = NettyChannelBuilder.forTarget(address).usePlaintext().build();
    } catch (Exception e) {
      throw new AssertionError("member " + name + " is not ready:\n" + said(), e);
    }
  }

  /** The exit code of a process that is expected to end by itself. */
  int awaitEnd() throws InterruptedException {
    Process running = process();
    if (!running.waitFor(READY_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("member " + name + " goes on:\n" + said());
    }
    return running.exitValue();
  }

  boolean alive() {
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
  void kill() {
    Process running = process();
    running.destroyForcibly();
    try {
      running.waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    disconnect();
  }

  /** SIGSTOP: it stands still. */
  void freeze() {
    signal("-STOP");
  }

  /** SIGCONT. */
  void thaw() {
    signal("-CONT");
  }

  private void signal(String signal) {
    try {
      int exit =
          new ProcessBuilder("kill", signal, Long.toString(process().pid())).start().waitFor();
      if (exit != 0) {
        throw new IllegalStateException("kill " + signal + ": exit code " + exit);
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  ManagedChannel channel() {
    ManagedChannel connected = channel;
    if (connected == null) {
      throw new IllegalStateException(name + ": not connected");
    }
    return connected;
  }

  TaskServiceGrpc.TaskServiceBlockingStub tasks() {
    return TaskServiceGrpc.newBlockingStub(channel()).withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  ClusterServiceGrpc.ClusterServiceBlockingStub cluster() {
    return ClusterServiceGrpc.newBlockingStub(channel()).withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  InferenceServiceGrpc.InferenceServiceBlockingStub inference() {
    return InferenceServiceGrpc.newBlockingStub(channel()).withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  ServingStatus health() {
    return HealthGrpc.newBlockingStub(channel())
        .withDeadlineAfter(10, TimeUnit.SECONDS)
        .check(HealthCheckRequest.getDefaultInstance())
        .getStatus();
  }

  /** Teaches a task and waits; throws where the job did not succeed. */
  TrainingJob teach(String task, long seed) {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    Teaching.upload(
        TrainingServiceGrpc.newStub(channel())
            .withDeadlineAfter(90, TimeUnit.SECONDS)
            .train(answers),
        Teaching.spec(task, "", seed),
        24);
    TrainingJob job = Teaching.lastJob(answers);
    if (job.getVersionId().isEmpty()) {
      throw new AssertionError(job);
    }
    return job;
  }

  /** Of the model that the member serves. */
  String fingerprint() {
    return ModelDirectory.open(directory.resolve("model")).fingerprint();
  }

  private void disconnect() {
    ManagedChannel connected = channel;
    channel = null;
    if (connected != null) {
      connected.shutdownNow();
    }
  }

  @Override
  public void close() {
    if (process != null) {
      kill();
    }
  }
}
