package dev.perennial.server.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.StreamOptions;
import dev.perennial.client.StreamingClassifier;
import dev.perennial.server.Server;
import dev.perennial.server.ServerConfig;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.device.DevicesConfig;
import dev.perennial.server.image.Preprocessing;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code perennial bench}: an open-loop load of mixed domains through the Java client, and beside
 * it the engine alone with full batches.
 */
@Command(
    name = "bench",
    description = "Load a server with mixed domains, and compare it with the engine alone.")
public final class BenchCommand implements Callable<Integer> {
  private static final DevicesConfig DEVICES = DevicesConfig.DEFAULT;

  /** A stream must never hold a due request back: as wide as the client allows. */
  private static final int STREAM_WINDOW = 10_000;

  private static final Gson JSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--target",
      paramLabel = "HOST:PORT[,...]",
      description = "The server or servers (default: one of its own, in this process).")
  private @Nullable String target;

  @Mixin private SecurityOptions security = new SecurityOptions();

  @Option(names = "--rate", paramLabel = "N", description = "Images a second, on average.")
  private double rate = 200;

  @Option(
      names = "--duration",
      defaultValue = "10s",
      paramLabel = "TIME",
      description = "Measured time.")
  private Duration duration = Duration.ZERO;

  @Option(
      names = "--warm-up",
      defaultValue = "5s",
      paramLabel = "TIME",
      description = "Load before that, not counted.")
  private Duration warmUp = Duration.ZERO;

  @Option(
      names = "--deadline",
      defaultValue = "250ms",
      paramLabel = "TIME",
      description = "Of each image.")
  private Duration deadline = Duration.ZERO;

  @Option(names = "--seed", paramLabel = "N", description = "Of arrivals, choices and pictures.")
  private long seed = 1;

  @Option(names = "--pictures", paramLabel = "N", description = "Different ones per class.")
  private int pictures = 4;

  @Option(names = "--streams", description = "One stream per domain instead of one call per image.")
  private boolean streams;

  @Option(names = "--channels", paramLabel = "N", description = "Connections of the client, 2..4.")
  private int channels = 2;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Of the own server and the engine (default: the built-in tiny model).")
  private @Nullable Path model;

  @Option(
      names = "--devices",
      split = ",",
      paramLabel = "DEVICE",
      description = "Of the own server; the engine runs on the first.")
  private List<String> devices = DEVICES.devices();

  @Option(names = "--precision", description = "${COMPLETION-CANDIDATES}.")
  private Precision precision = DEVICES.precision();

  @Option(names = "--max-batch-size", paramLabel = "N", description = "Of server and engine.")
  private int maxBatchSize = DEVICES.maxBatchSize();

  @Option(
      names = "--engine-time",
      defaultValue = "5s",
      paramLabel = "TIME",
      description = "Measured time of the engine alone; 0 leaves it out.")
  private Duration engineTime = Duration.ZERO;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the figures here, too (default: nowhere).")
  private @Nullable Path json;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = Commands.spec(spec).commandLine().getOut();
    BenchPictures drawn = BenchPictures.draw(pictures, seed);
    EngineMeasurement engine = engineTime.isZero() ? null : measureEngine(drawn);
    LoadReport served = target == null ? loadOwnServer(drawn) : load(target, drawn);
    out.print(served.table());
    if (engine != null) {
      out.print(engine.line());
      out.printf(
          Locale.ROOT,
          "  %-13s %.3f%n",
          "served/engine",
          served.throughput() / engine.imagesPerSecond());
    }
    out.flush();
    if (json != null) {
      Files.writeString(json, JSON.toJson(figures(served, engine)) + "\n");
    }
    return 0;
  }

  private EngineMeasurement measureEngine(BenchPictures drawn) {
    ModelDirectory directory =
        model == null ? ModelDirectory.embedded() : ModelDirectory.open(model);
    Preprocessing preprocessing = directory.preprocessing();
    List<float[]> pixels =
        drawn.pictures().stream().map(picture -> preprocessing.pixels(picture.drawn())).toList();
    return EngineMeasurement.run(
        directory, devices.get(0), precision, maxBatchSize, pixels, engineTime);
  }

  private LoadReport loadOwnServer(BenchPictures drawn) throws InterruptedException {
    DevicesConfig config =
        new DevicesConfig(
            devices,
            precision,
            maxBatchSize,
            DEVICES.maxQueueSize(),
            DEVICES.maxQueueDelay(),
            DEVICES.trainingShare(),
            DEVICES.scoring(),
            DEVICES.textCacheBytes());
    ServerConfig settings = ServerConfig.DEFAULT.onFreePort().withDevices(config);
    try (Server server =
        Commands.startServer(model == null ? settings : settings.withModel(model))) {
      return load("127.0.0.1:" + server.port(), drawn);
    }
  }

  private LoadReport load(String server, BenchPictures drawn) throws InterruptedException {
    LoadGenerator generator =
        new LoadGenerator(
            new LoadGenerator.Plan(rate, warmUp, duration, deadline, drawn.pictures().size(), seed),
            LoadGenerator.Ticker.SYSTEM);
    try (PerennialClient client =
        security.client(server).channels(channels).deadline(deadline).build()) {
      return streams
          ? loadByStreams(client, drawn, generator)
          : generator.run(calls(client, drawn));
    }
  }

  private static LoadGenerator.Service calls(PerennialClient client, BenchPictures drawn) {
    return index -> {
      BenchPictures.Picture picture = drawn.pictures().get(index);
      return client.classifyAsync(picture.image(), drawn.domains().get(picture.domain()).labels());
    };
  }

  private LoadReport loadByStreams(
      PerennialClient client, BenchPictures drawn, LoadGenerator generator)
      throws InterruptedException {
    List<StreamingClassifier> opened = new ArrayList<>();
    try {
      for (BenchPictures.Domain domain : drawn.domains()) {
        opened.add(client.classifier(domain.labels(), new StreamOptions(STREAM_WINDOW, deadline)));
      }
      return generator.run(
          index -> {
            BenchPictures.Picture picture = drawn.pictures().get(index);
            return opened.get(picture.domain()).send(picture.image());
          });
    } finally {
      opened.forEach(StreamingClassifier::close);
    }
  }

  private Map<String, Object> figures(LoadReport served, @Nullable EngineMeasurement engine) {
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("mode", streams ? "streams" : "calls");
    figures.put("seed", seed);
    figures.put("served", served.json());
    if (engine != null) {
      figures.put("engine", engine.json());
      figures.put("served_of_engine", served.throughput() / engine.imagesPerSecond());
    }
    return figures;
  }
}
