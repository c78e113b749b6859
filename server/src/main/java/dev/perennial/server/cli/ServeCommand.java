package dev.perennial.server.cli;

import dev.perennial.server.Server;
import dev.perennial.server.ServerConfig;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.config.ByteSize;
import dev.perennial.server.device.DevicesConfig;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.grpc.GrpcConfig;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.server.training.TrainingConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code perennial serve}: runs a server until it is told to stop (SIGTERM or SIGINT). */
@Command(name = "serve", description = "Serve, and learn, over gRPC.")
public final class ServeCommand implements Callable<Integer> {
  private static final GrpcConfig GRPC = GrpcConfig.DEFAULT;
  private static final DevicesConfig DEVICES = DevicesConfig.DEFAULT;
  private static final TrainingConfig TRAINING = TrainingConfig.DEFAULT;
  private static final ImageDecoder.Limits IMAGES = ImageDecoder.Limits.DEFAULT;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Hugging Face CLIPModel directory (default: the built-in tiny model).")
  private @Nullable Path model;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Keeps tasks and jobs (default: a temporary directory, lost on exit).")
  private @Nullable Path data;

  @Option(names = "--host", paramLabel = "ADDRESS", description = "Address to listen on.")
  private String host = GRPC.host();

  @Option(names = "--port", paramLabel = "N", description = "0 picks a free one.")
  private int port = GRPC.port();

  @Option(
      names = "--devices",
      split = ",",
      paramLabel = "DEVICE",
      description = "cpu or cuda:N, one worker each; cpu may be repeated.")
  private List<String> devices = DEVICES.devices();

  @Option(names = "--precision", description = "${COMPLETION-CANDIDATES}.")
  private Precision precision = DEVICES.precision();

  @Option(names = "--max-batch-size", paramLabel = "N", description = "Rows that run together.")
  private int maxBatchSize = DEVICES.maxBatchSize();

  @Option(
      names = "--max-queue-size",
      paramLabel = "N",
      description = "Requests waiting per device before more are refused.")
  private int maxQueueSize = DEVICES.maxQueueSize();

  @Option(
      names = "--max-queue-delay",
      paramLabel = "TIME",
      description = "How long a batch that is not full waits for more.")
  private Duration maxQueueDelay = DEVICES.maxQueueDelay();

  @Option(
      names = "--training-share",
      paramLabel = "SHARE",
      description = "Part of a busy device's time that training may take, above 0 and below 1.")
  private double trainingShare = DEVICES.trainingShare();

  @Option(
      names = "--scoring",
      description =
          "How questions that do not choose are scored: ${COMPLETION-CANDIDATES} (DIKI: the"
              + " article's).")
  private ScoringRule.Kind scoring = DEVICES.scoring().kind();

  @Option(
      names = "--unlearnt-bias",
      paramLabel = "B",
      description =
          "Union scoring: more finds more labels that no task knows, and loses learnt ones.")
  private double unlearntBias = DEVICES.scoring().unlearntBias();

  @Option(
      names = "--text-cache",
      paramLabel = "SIZE",
      description = "Text features kept per device.")
  private ByteSize textCache = new ByteSize(DEVICES.textCacheBytes());

  @ArgGroup(heading = "%nConnections:%n", exclusive = false)
  private Wire wire = new Wire();

  @ArgGroup(heading = "%nImages and training:%n", exclusive = false)
  private Bounds bounds = new Bounds();

  @Mixin private ClusterOptionGroup cluster = new ClusterOptionGroup();

  /** Options of the wire. */
  static final class Wire {
    @Option(names = "--event-loops", paramLabel = "N", description = "Threads that read and write.")
    private int eventLoops = GRPC.eventLoops();

    @Option(names = "--max-message", paramLabel = "SIZE", description = "Larger ones are refused.")
    private ByteSize maxMessage = new ByteSize(GRPC.maxMessageBytes());

    @Option(
        names = "--max-streams",
        paramLabel = "N",
        description = "Calls that one connection may have open.")
    private int maxStreams = GRPC.maxStreamsPerConnection();

    @Option(
        names = "--max-in-flight",
        paramLabel = "N",
        description = "Requests of one stream that are read but not answered.")
    private int maxInFlight = GRPC.maxInFlightPerStream();

    @Option(
        names = "--max-in-flight-bytes",
        paramLabel = "SIZE",
        description = "The same in bytes.")
    private ByteSize maxInFlightBytes = new ByteSize(GRPC.maxInFlightBytesPerStream());

    @Option(
        names = "--max-call-duration",
        paramLabel = "TIME",
        description = "Deadline of calls that bring none or a later one; 0 for none.")
    private Duration maxCallDuration = GRPC.maxCallDuration();

    @Option(
        names = "--drain-timeout",
        paramLabel = "TIME",
        description = "How long running calls may take to finish when the server stops.")
    private Duration drainTimeout = GRPC.drainTimeout();

    @Option(names = "--tls-cert", paramLabel = "PEM", description = "Certificate chain.")
    private @Nullable Path tlsCertificate;

    @Option(names = "--tls-key", paramLabel = "PEM", description = "Its PKCS #8 key.")
    private @Nullable Path tlsKey;

    @Option(
        names = "--token-file",
        paramLabel = "FILE",
        description = "Bearer tokens, one a line; callers need one of them.")
    private @Nullable Path tokenFile;
  }

  /** Options of images and training. */
  static final class Bounds {
    @Option(
        names = "--decode-threads",
        paramLabel = "N",
        description = "Threads that decode and resize images.")
    private int decodeThreads = GRPC.decodeThreads();

    @Option(
        names = "--max-decode-queue",
        paramLabel = "N",
        description = "Images that wait for such a thread.")
    private int maxDecodeQueue = GRPC.maxDecodeQueueSize();

    @Option(
        names = "--max-decode-queue-bytes",
        paramLabel = "SIZE",
        description = "The same in bytes.")
    private ByteSize maxDecodeQueueBytes = new ByteSize(GRPC.maxDecodeQueueBytes());

    @Option(names = "--max-image-edge", paramLabel = "PIXELS", description = "Longest edge.")
    private int maxImageEdge = IMAGES.maxEdge();

    @Option(names = "--max-image-pixels", paramLabel = "PIXELS", description = "Width x height.")
    private long maxImagePixels = IMAGES.maxPixels();

    @Option(names = "--max-uploads", paramLabel = "N", description = "Train uploads at one time.")
    private int maxUploads = TRAINING.maxUploads();

    @Option(names = "--max-spool", paramLabel = "SIZE", description = "Bytes of one upload.")
    private ByteSize maxSpool = new ByteSize(TRAINING.maxSpoolBytes());

    @Option(
        names = "--max-total-spool",
        paramLabel = "SIZE",
        description = "Bytes of all uploads and unfinished jobs.")
    private ByteSize maxTotalSpool = new ByteSize(TRAINING.maxTotalSpoolBytes());

    @Option(names = "--max-examples", paramLabel = "N", description = "Examples of one upload.")
    private long maxExamples = TRAINING.maxExamples();

    @Option(names = "--max-jobs", paramLabel = "N", description = "Jobs that are remembered.")
    private int maxJobs = TRAINING.maxJobs();
  }

  @Override
  public Integer call() throws InterruptedException {
    Server server = Server.start(config());
    CountDownLatch closed = new CountDownLatch(1);
    Thread stop =
        new Thread(
            () -> {
              server.close();
              closed.countDown();
            },
            "stop");
    Runtime.getRuntime().addShutdownHook(stop);
    if (spec != null) {
      spec.commandLine().getOut().println("listening on " + host + ":" + server.port());
      spec.commandLine().getOut().flush();
    }
    closed.await();
    return 0;
  }

  /** The settings that the options make. */
  ServerConfig config() {
    return new ServerConfig(
        model,
        data,
        grpc(),
        new DevicesConfig(
            devices,
            precision,
            maxBatchSize,
            maxQueueSize,
            maxQueueDelay,
            trainingShare,
            new ScoringRule(scoring, unlearntBias),
            textCache.bytes()),
        new TrainingConfig(
            bounds.maxUploads,
            bounds.maxSpool.bytes(),
            bounds.maxTotalSpool.bytes(),
            bounds.maxExamples,
            bounds.maxJobs),
        new ImageDecoder.Limits(bounds.maxImageEdge, bounds.maxImagePixels),
        cluster.config());
  }

  private GrpcConfig grpc() {
    return new GrpcConfig(
        host,
        port,
        wire.eventLoops,
        (int) Math.min(Integer.MAX_VALUE, wire.maxMessage.bytes()),
        wire.maxStreams,
        wire.maxInFlight,
        wire.maxInFlightBytes.bytes(),
        bounds.decodeThreads,
        bounds.maxDecodeQueue,
        bounds.maxDecodeQueueBytes.bytes(),
        wire.maxCallDuration,
        wire.drainTimeout,
        tls(),
        wire.tokenFile);
  }

  private GrpcConfig.@Nullable Tls tls() {
    Path certificate = wire.tlsCertificate;
    Path key = wire.tlsKey;
    if ((certificate == null) != (key == null)) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT,
          "BAD_SETTING",
          "--tls-cert: " + certificate + ", --tls-key: " + key + " (expected: both or neither)");
    }
    return certificate == null || key == null ? null : new GrpcConfig.Tls(certificate, key);
  }
}
