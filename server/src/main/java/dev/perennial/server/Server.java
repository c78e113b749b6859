package dev.perennial.server;

import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.cluster.hazelcast.ClusterConfig;
import dev.perennial.server.cluster.hazelcast.HazelcastMembers;
import dev.perennial.server.cluster.hazelcast.Identity;
import dev.perennial.server.device.DeviceStats;
import dev.perennial.server.device.Devices;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.grpc.GrpcEndpoint;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.task.Cluster;
import dev.perennial.server.task.ClusterView;
import dev.perennial.server.task.LocalMember;
import dev.perennial.server.task.PoolWriter;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.cluster.ClusterOptions;
import dev.perennial.server.task.cluster.ClusterPool;
import dev.perennial.server.task.store.FileTaskStore;
import dev.perennial.server.training.JobPeers;
import dev.perennial.server.training.TrainingJobs;
import dev.perennial.server.training.cluster.ClusterJobs;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running server: every object is built here, by hand, started in order and closed in reverse. A
 * start that fails half-way closes what it opened. {@link #start} and {@link #close} block.
 */
public final class Server implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Server.class);

  /** What was opened, newest first. */
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  private final ServerConfig config;
  private int port;
  private boolean closed;

  private Server(ServerConfig config) {
    this.config = config;
  }

  /** Loads the model, opens the data, listens; calls are answered on return. */
  public static Server start(ServerConfig config) {
    Server server = new Server(config);
    try {
      server.open();
    } catch (Throwable failure) {
      server.close();
      throw failure;
    }
    return server;
  }

  /** The port that is listened on. */
  public int port() {
    return port;
  }

  /** Lets running calls finish, stops training between two steps, closes. Twice is fine. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    while (!opened.isEmpty()) {
      AutoCloseable next = opened.pop();
      try {
        next.close();
      } catch (Exception e) {
        log.error("{} could not be closed", next.getClass().getSimpleName(), e);
      }
    }
    log.info("stopped");
  }

  private void open() {
    log.info("settings: {}", config);
    Path modelPath = config.model();
    ModelDirectory model =
        modelPath == null ? ModelDirectory.embedded() : ModelDirectory.open(modelPath);
    Path data = dataDirectory();
    FileTaskStore store = opened(new FileTaskStore(data.resolve("tasks")));
    TaskPool pool = opened(TaskPool.open(store, model.fingerprint(), model.config().embedDim()));
    ClusterConfig clusterConfig = config.cluster();
    LocalMember member = new LocalMember(pool, memberName(), software());
    HazelcastMembers members =
        clusterConfig == null ? null : joined(clusterConfig, model.fingerprint());
    ClusterJobs peers = members == null ? null : opened(new ClusterJobs(members));
    ClusterPool clusterPool =
        clusterConfig == null || members == null || peers == null
            ? null
            : clusterPool(clusterConfig, members, pool, member, peers);
    Devices devices = opened(new Devices(model, pool, config.devices()));
    devices.start();
    member.devices(() -> devices.stats().stream().map(Server::device).toList());
    if (clusterPool != null) {
      clusterPool.servedBy(devices::installed);
    }
    PoolWriter writer = clusterPool == null ? pool : clusterPool;
    Cluster cluster = clusterPool == null ? member : clusterPool;
    ImageDecoder decoder = new ImageDecoder(config.images());
    TrainingJobs jobs =
        opened(
            new TrainingJobs(
                data.resolve("training"),
                model,
                devices,
                writer,
                decoder,
                config.training(),
                peers == null ? JobPeers.ALONE : peers));
    jobs.start();
    GrpcEndpoint grpc =
        opened(
            new GrpcEndpoint(
                config.grpc(),
                model,
                pool,
                writer,
                cluster,
                devices,
                jobs,
                decoder,
                config.images()));
    grpc.start();
    port = grpc.port();
    member.serving(config.grpc().host() + ":" + port);
    log.info(
        "model {} ({}), data {}, epoch {} with {} tasks, listening on {}:{}",
        modelPath == null ? "built in" : modelPath,
        model.fingerprint().substring(0, 12),
        data,
        pool.snapshot().epoch(),
        pool.snapshot().tasks().size(),
        config.grpc().host(),
        port);
    if (clusterPool != null) {
      log.info("cluster:\n{}", banner(clusterPool.describe(false)));
    }
  }

  private HazelcastMembers joined(ClusterConfig cluster, String fingerprint) {
    return opened(
        HazelcastMembers.join(cluster, new Identity(fingerprint, software(), Wire.FORMAT)));
  }

  /** Catches up; closing leaves the cluster before the pool is closed. */
  private ClusterPool clusterPool(
      ClusterConfig cluster,
      HazelcastMembers members,
      TaskPool pool,
      LocalMember member,
      ClusterJobs jobs) {
    ClusterOptions options =
        ClusterOptions.DEFAULT.with(cluster.heartbeatTimeout(), cluster.startSize());
    ClusterPool joined = opened(new ClusterPool(pool, members, member, options));
    joined.fencedBy(jobs);
    joined.start();
    return joined;
  }

  private String memberName() {
    ClusterConfig cluster = config.cluster();
    return cluster == null || cluster.memberName().isEmpty()
        ? config.grpc().host() + ":" + config.grpc().port()
        : cluster.memberName();
  }

  /** Empty where this build has no version. */
  private static String software() {
    String version = Server.class.getPackage().getImplementationVersion();
    return version == null ? "" : version;
  }

  private static ClusterView.Device device(DeviceStats stats) {
    return new ClusterView.Device(stats.device(), stats.healthy(), stats.epoch(), stats.inFlight());
  }

  private static String banner(ClusterView view) {
    StringBuilder text = new StringBuilder();
    for (ClusterView.Member member : view.members()) {
      text.append(
          "  %s%-20s %-21s epoch %d, %d tasks, %d versions on disk, devices %s%n"
              .formatted(
                  member.coordinator() ? "*" : " ",
                  member.name(),
                  member.address(),
                  member.epoch(),
                  member.tasks(),
                  member.versions(),
                  member.devices().stream().map(ClusterView.Device::name).toList()));
    }
    return text.toString();
  }

  private <T extends AutoCloseable> T opened(T resource) {
    opened.push(resource);
    return resource;
  }

  private Path dataDirectory() {
    Path wanted = config.data();
    try {
      if (wanted != null) {
        return Files.createDirectories(wanted);
      }
      Path temporary = Files.createTempDirectory("perennial-");
      opened.push(() -> deleteTree(temporary));
      log.warn("no data directory is given: what is taught is lost on exit");
      return temporary;
    } catch (IOException e) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "DATA_DIRECTORY",
          "data directory: " + wanted + " (expected: one that can be written; " + e + ")",
          e);
    }
  }

  private static void deleteTree(Path directory) throws IOException {
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
