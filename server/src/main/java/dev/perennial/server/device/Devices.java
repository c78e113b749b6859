package dev.perennial.server.device;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.server.task.TaskPool;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * All devices of this server. Safe for any thread; nothing here blocks but {@link #start} and
 * {@link #close}.
 *
 * <p>A request goes to the healthy device with the fewest requests in flight, and stays there.
 * Futures are completed on that device's thread: what hangs on them must be short and must not
 * block.
 */
public final class Devices implements AutoCloseable {
  /** PyTorch's threads within one operation; one number for the whole process, read at its load. */
  private static final String TORCH_THREADS = "ai.djl.pytorch.num_threads";

  private final TaskPool pool;
  private final DevicesConfig config;
  private final KnownLabels knownLabels;
  private final int pixelValues;
  private final List<DeviceThread> threads;
  private final AtomicInteger turn = new AtomicInteger();
  private @Nullable AutoCloseable listening;

  public Devices(ModelDirectory model, TaskPool pool, DevicesConfig config) {
    this(
        device -> () -> ClipEncoder.load(model, device, config.precision()),
        model.config(),
        model.tokenizer(),
        pool,
        config,
        System::nanoTime);
  }

  /**
   * With encoders of one's own.
   *
   * @param encoders per device name
   */
  Devices(
      Function<String, Encoder.Factory> encoders,
      ClipConfig clip,
      Tokenizer tokenizer,
      TaskPool pool,
      DevicesConfig config,
      LongSupplier nanoClock) {
    this.pool = pool;
    this.config = config;
    this.knownLabels = new KnownLabels(tokenizer);
    this.pixelValues = 3 * clip.imageSize() * clip.imageSize();
    List<DeviceThread> made = new ArrayList<>();
    for (String device : config.devices()) {
      made.add(
          new DeviceThread(
              "device-" + made.size() + "-" + device,
              device,
              encoders.apply(device),
              pool::snapshot,
              knownLabels,
              config,
              nanoClock));
    }
    this.threads = List.copyOf(made);
  }

  /** Loads the model on every device and warms it up; fails as a whole where one device fails. */
  public void start() {
    chooseTorchThreads();
    List<CompletableFuture<Void>> starting = threads.stream().map(DeviceThread::start).toList();
    try {
      starting.forEach(CompletableFuture::join);
    } catch (CompletionException e) {
      close();
      if (e.getCause() instanceof ServingException serving) {
        throw serving;
      }
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "DEVICE_FAILED",
          "devices: " + config.devices() + " cannot be started: " + e.getCause(),
          e);
    }
    listening = pool.listen(snapshot -> threads.forEach(DeviceThread::poolChanged));
    threads.forEach(DeviceThread::poolChanged); // what changed before we listened
  }

  /** Shares the cores among the devices that compute on them, unless the operator has chosen. */
  private void chooseTorchThreads() {
    long cpus = config.devices().stream().filter("cpu"::equals).count();
    if (cpus > 0 && System.getProperty(TORCH_THREADS) == null) {
      long threadsEach = Math.max(1, Runtime.getRuntime().availableProcessors() / cpus);
      System.setProperty(TORCH_THREADS, Long.toString(threadsEach));
    }
  }

  /**
   * Queues one image. Fails at once with RESOURCE_EXHAUSTED where the queue is full or the expected
   * wait exceeds the deadline; later with DEADLINE_EXCEEDED, NOT_FOUND (unknown task), UNAVAILABLE
   * (closing). Cancel the future to give up.
   */
  public CompletableFuture<Classification> classify(ImageQuery query) {
    if (query.pixels().length != pixelValues) {
      return CompletableFuture.failedFuture(badPixels(query.pixels().length));
    }
    Candidates candidates = query.candidates();
    if (candidates instanceof Candidates.Explicit explicit) {
      if (explicit.labels().prompts().isEmpty()) {
        return CompletableFuture.failedFuture(
            ServingException.invalid(
                "NO_LABELS", "label_set.explicit.labels", "labels: 0 (expected: 1 or more)"));
      }
      candidates = new Candidates.Explicit(knownLabels.canonical(explicit.labels()));
    } else if (candidates instanceof Candidates.AllKnown known && known.extra() != null) {
      candidates = new Candidates.AllKnown(knownLabels.canonical(known.extra()));
    }
    DeviceThread thread = leastLoaded();
    return thread == null
        ? CompletableFuture.failedFuture(noDevice())
        : thread.classify(query, candidates);
  }

  /** Of questions that do not choose their own. */
  public ScoringRule scoring() {
    return config.scoring();
  }

  /** The same for features. */
  public CompletableFuture<Embedding> embed(EmbedQuery query) {
    if (query.input() instanceof EmbedQuery.Input.Pixels pixels
        && pixels.values().length != pixelValues) {
      return CompletableFuture.failedFuture(badPixels(pixels.values().length));
    }
    if (query.task() != null && !(query.gateWeight() >= 0 && query.gateWeight() <= 1)) {
      return CompletableFuture.failedFuture(
          ServingException.invalid(
              "BAD_GATE_WEIGHT",
              "gate_weight",
              "gate weight: " + query.gateWeight() + " (expected: 0..1)"));
    }
    DeviceThread thread = leastLoaded();
    return thread == null ? CompletableFuture.failedFuture(noDevice()) : thread.embed(query);
  }

  /** Ties go round, so that an idle server uses all of its devices. */
  private @Nullable DeviceThread leastLoaded() {
    int first = Math.floorMod(turn.getAndIncrement(), threads.size());
    DeviceThread best = null;
    for (int i = 0; i < threads.size(); i++) {
      DeviceThread thread = threads.get((first + i) % threads.size());
      if (thread.healthy() && (best == null || thread.inFlight() < best.inFlight())) {
        best = thread;
      }
    }
    return best;
  }

  private ServingException badPixels(int values) {
    return ServingException.invalid(
        "BAD_PIXELS", "image", "pixel values: " + values + " (expected: " + pixelValues + ")");
  }

  private static ServingException noDevice() {
    return new ServingException(
        ErrorCode.UNAVAILABLE, "NO_DEVICE", "devices in service: 0 (expected: 1 or more)");
  }

  /** The workers, in the order of the configuration. */
  public List<DeviceWorker> workers() {
    return List.copyOf(threads);
  }

  /**
   * Completes when every device that is in service serves that epoch or a later one; fails where a
   * device cannot install it.
   */
  public CompletableFuture<Void> installed(long epoch) {
    return CompletableFuture.allOf(
        threads.stream()
            .map(thread -> thread.installed(epoch))
            .toArray(CompletableFuture<?>[]::new));
  }

  /** Completes when no device serves any more: each has failed, or this is closed. */
  public CompletableFuture<Void> outOfService() {
    return CompletableFuture.allOf(
        threads.stream().map(DeviceThread::ended).toArray(CompletableFuture<?>[]::new));
  }

  /** Requests queued or running. */
  public int inFlight() {
    return threads.stream().mapToInt(DeviceThread::inFlight).sum();
  }

  /** What each device has done, in the order of the configuration. */
  public List<DeviceStats> stats() {
    return threads.stream().map(DeviceThread::stats).toList();
  }

  @Override
  public void close() {
    AutoCloseable listener = listening;
    listening = null;
    if (listener != null) {
      try {
        listener.close();
      } catch (Exception e) {
        throw new IllegalStateException("pool listener cannot be closed", e);
      }
    }
    threads.forEach(DeviceThread::close);
  }
}
