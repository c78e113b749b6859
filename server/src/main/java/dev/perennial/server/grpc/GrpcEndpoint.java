package dev.perennial.server.grpc;

import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.device.Devices;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.task.Cluster;
import dev.perennial.server.task.PoolWriter;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.training.TrainingJobs;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The socket, its event loops, and the life of the calls on it. {@link #start} and {@link #close}
 * block, and belong to one thread.
 */
public final class GrpcEndpoint implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(GrpcEndpoint.class);
  private static final Duration START_TIMEOUT = Duration.ofSeconds(30);

  /** How long trailers may take to leave once the calls have ended. */
  private static final Duration FLUSH_TIMEOUT = Duration.ofSeconds(2);

  private final GrpcConfig config;
  private final Map<String, Method<?, ?>> methods;
  private final HealthService health;
  private final CompletableFuture<Void> outOfService;
  private final ActiveCalls calls = new ActiveCalls();
  private final Queue<Listener> listeners = new ConcurrentLinkedQueue<>();
  private @Nullable Services services;
  private @Nullable Cluster cluster;
  private @Nullable AutoCloseable readiness;
  private @Nullable Vertx vertx;
  private int port;

  /** The whole contract, answered by the given objects, which stay their owner's. */
  public GrpcEndpoint(
      GrpcConfig config,
      ModelDirectory model,
      TaskPool pool,
      PoolWriter writer,
      Cluster cluster,
      Devices devices,
      TrainingJobs jobs,
      ImageDecoder decoder,
      ImageDecoder.Limits limits) {
    this(
        config,
        new Services(config, model, pool, writer, cluster, devices, jobs, decoder, limits),
        cluster,
        devices.outOfService());
  }

  private GrpcEndpoint(
      GrpcConfig config, Services services, Cluster cluster, CompletableFuture<Void> outOfService) {
    this(config, services.methods(), services.health(), outOfService);
    this.services = services;
    this.cluster = cluster;
  }

  /**
   * Any methods.
   *
   * @param outOfService completes when nothing stands behind the methods any more: health says so
   */
  GrpcEndpoint(
      GrpcConfig config,
      List<Method<?, ?>> methods,
      HealthService health,
      CompletableFuture<Void> outOfService) {
    this.config = config;
    this.outOfService = outOfService;
    this.methods =
        methods.stream().collect(Collectors.toUnmodifiableMap(Method::path, Function.identity()));
    this.health = health;
  }

  /** Listens; throws FAILED_PRECONDITION where that cannot be. */
  public void start() {
    Path tokenFile = config.tokenFile();
    Tokens tokens = tokenFile == null ? null : Tokens.read(tokenFile);
    if (services != null) {
      services.start();
    }
    Vertx created =
        Vertx.vertx(
            new VertxOptions()
                .setEventLoopPoolSize(config.eventLoops())
                .setWorkerPoolSize(1)
                .setInternalBlockingPoolSize(1)
                .setFileSystemOptions(
                    new FileSystemOptions()
                        .setFileCachingEnabled(false)
                        .setClassPathResolvingEnabled(false)));
    vertx = created;
    // -1: a free port, the same for all instances.
    int wanted = config.port() == 0 ? -1 : config.port();
    Future<String> deployed =
        created.deployVerticle(
            () -> {
              Listener listener = new Listener(config, wanted, methods, calls, tokens);
              listeners.add(listener);
              return listener;
            },
            new DeploymentOptions().setInstances(config.eventLoops()));
    try {
      await(deployed, START_TIMEOUT);
    } catch (ExecutionException | TimeoutException e) {
      close();
      throw cannotListen(e);
    }
    port = listeners.element().actualPort();
    Cluster followed = cluster;
    if (followed != null) {
      readiness = followed.listen(this::tellHealth);
    }
    var unused = outOfService.thenRun(this::tellHealth);
    tellHealth();
  }

  /** We listen: what else health depends on is the devices, and whether this member is behind. */
  private void tellHealth() {
    Cluster followed = cluster;
    health.serving(!outOfService.isDone() && (followed == null || followed.ready()));
  }

  /** The port that is listened on. */
  public int port() {
    return port;
  }

  /** Calls that are open now. */
  public int activeCalls() {
    return calls.count();
  }

  /** Says that we stop, lets running calls finish, then ends what is left. Twice is fine. */
  @Override
  public void close() {
    if (vertx != null) {
      stop(vertx);
      vertx = null;
    }
    if (services != null) {
      services.close();
    }
  }

  private void stop(Vertx running) {
    AutoCloseable following = readiness;
    if (following != null) {
      Closing.quietly(following);
    }
    CompletableFuture<Void> idle = calls.drain();
    health.stop(); // who hears of it is let in no more
    // No connection more; what comes over those there are is for another server, and says so.
    List<Future<Void>> ends =
        listeners.stream()
            .map(one -> one.shutdown(config.drainTimeout().plus(FLUSH_TIMEOUT)))
            .toList();
    if (!ended(idle, config.drainTimeout())) {
      log.info("{} calls were still running after {}", calls.count(), config.drainTimeout());
    }
    if (!ended(calls.failAll(), FLUSH_TIMEOUT)) {
      log.warn("{} calls were cut off", calls.count());
    }
    ended(Future.join(ends).mapEmpty().toCompletionStage().toCompletableFuture(), FLUSH_TIMEOUT);
    try {
      await(running.close(), START_TIMEOUT);
    } catch (ExecutionException | TimeoutException e) {
      log.error("event loops did not end", e);
    }
  }

  private static boolean ended(CompletableFuture<?> calls, Duration timeout) {
    try {
      calls.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (ExecutionException | TimeoutException e) {
      return false;
    }
  }

  private static void await(Future<?> future, Duration timeout)
      throws ExecutionException, TimeoutException {
    try {
      future.toCompletionStage().toCompletableFuture().get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ExecutionException(e);
    }
  }

  private ServingException cannotListen(Exception failure) {
    Throwable cause = Statuses.unwrap(failure);
    return new ServingException(
        ErrorCode.FAILED_PRECONDITION,
        "CANNOT_LISTEN",
        "address: " + config.host() + ":" + config.port() + " (" + cause.getMessage() + ")",
        cause);
  }
}
