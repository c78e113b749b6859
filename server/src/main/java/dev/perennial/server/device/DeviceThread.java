package dev.perennial.server.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.batching.Admission;
import dev.perennial.server.batching.DeviceShare;
import dev.perennial.server.batching.RowQueue;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.PoolSnapshot;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device and the thread that owns it and every tensor on it. The thread forms a batch from the
 * queue, runs it, sends its rows on, and then sees whether the pool has changed, label texts are
 * wanted, or a training step may run. It sleeps only where there is nothing at all to do.
 *
 * <p>Methods are safe for any thread. Futures are completed on the device's thread (or the
 * caller's, where a request is refused): what hangs on them must be short and must not block.
 */
final class DeviceThread implements DeviceWorker, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DeviceThread.class);

  private enum State {
    NEW,
    RUNNING,
    FAILED,
    CLOSED
  }

  private final String device;
  private final Encoder.Factory encoders;
  private final Supplier<PoolSnapshot> pool;
  private final KnownLabels knownLabels;
  private final DevicesConfig config;
  private final LongSupplier nanoClock;
  private final RowQueue<Row> queue;
  private final StepQueue steps = new StepQueue();
  private final DeviceShare share;
  private final DeviceCounters counters = new DeviceCounters();
  private final InstalledEpochs epochs = new InstalledEpochs();
  private final CompletableFuture<Void> started = new CompletableFuture<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private final Thread thread;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private State state = State.NEW;

  private volatile boolean healthy;

  /** End of the last batch or of idleness. Device thread only. */
  private long busySinceNanos;

  DeviceThread(
      String name,
      String device,
      Encoder.Factory encoders,
      Supplier<PoolSnapshot> pool,
      KnownLabels knownLabels,
      DevicesConfig config,
      LongSupplier nanoClock) {
    this.device = device;
    this.encoders = encoders;
    this.pool = pool;
    this.knownLabels = knownLabels;
    this.config = config;
    this.nanoClock = nanoClock;
    this.queue = new RowQueue<>(config.maxQueueSize(), config.maxQueueDelay().toNanos(), nanoClock);
    this.share = new DeviceShare(config.trainingShare());
    this.thread = new Thread(this::run, name);
    this.thread.setDaemon(true);
  }

  /** Starts the thread; the result completes when the device serves, or with why it cannot. */
  CompletableFuture<Void> start() {
    synchronized (lock) {
      if (state != State.NEW) {
        throw new IllegalStateException("device: " + state + " (expected: NEW)");
      }
      state = State.RUNNING;
    }
    thread.start();
    return started;
  }

  @Override
  public String device() {
    return device;
  }

  boolean healthy() {
    return healthy;
  }

  /** Completes when the device has failed or is closed. */
  CompletableFuture<Void> ended() {
    return ended.copy();
  }

  int inFlight() {
    return counters.inFlight.get();
  }

  DeviceStats stats() {
    return counters.stats(device, healthy, epochs.served());
  }

  CompletableFuture<Classification> classify(ImageQuery query, Candidates candidates) {
    ClassifyRow row = new ClassifyRow(query, candidates, nanoClock.getAsLong(), counters);
    submit(row);
    return row.future;
  }

  CompletableFuture<Embedding> embed(EmbedQuery query) {
    EmbedRow row = new EmbedRow(query, nanoClock.getAsLong(), counters);
    submit(row);
    return row.future;
  }

  private void submit(Row row) {
    row.enter();
    Admission admission = queue.offer(row);
    if (!admission.accepted()) {
      counters.refused.increment();
      row.fail(refusal(admission));
    }
  }

  private ServingException refusal(Admission admission) {
    Duration retryAfter = Duration.ofMillis(Math.max(1, admission.waitNanos() / 1_000_000));
    return switch (admission.verdict()) {
      case FULL ->
          ServingException.exhausted(
              "QUEUE_FULL",
              "requests waiting: "
                  + queue.size()
                  + " (expected: fewer than "
                  + config.maxQueueSize()
                  + ")",
              retryAfter);
      case TOO_LATE ->
          ServingException.exhausted(
              "WAIT_EXCEEDS_DEADLINE",
              "expected wait: " + retryAfter.toMillis() + " ms (expected: less than the deadline)",
              retryAfter);
      case EXPIRED -> Row.expired();
      case CLOSED -> closedOrFailed();
      case ACCEPTED -> throw new IllegalArgumentException("accepted");
    };
  }

  private ServingException closedOrFailed() {
    synchronized (lock) {
      return state == State.CLOSED ? closing() : deviceFailed();
    }
  }

  static ServingException closing() {
    return new ServingException(
        ErrorCode.UNAVAILABLE, "SHUTTING_DOWN", "server: shutting down (expected: running)");
  }

  private ServingException deviceFailed() {
    return new ServingException(
        ErrorCode.UNAVAILABLE, "DEVICE_FAILED", "device: " + device + " failed");
  }

  @Override
  public <T> CompletableFuture<T> step(DeviceStep<T> step) {
    CompletableFuture<T> done = steps.add(step);
    queue.wake();
    return done;
  }

  /** The pool may have changed. */
  void poolChanged() {
    queue.wake();
  }

  /** See {@link InstalledEpochs#installed}. */
  CompletableFuture<Void> installed(long epoch) {
    return epochs.installed(epoch);
  }

  private void run() {
    try (Encoder encoder = encoders.open()) {
      WarmUp.run(encoder, config.maxBatchSize(), nanoClock);
      PoolSnapshot snapshot = pool.get();
      BatchRunner runner =
          new BatchRunner(
              device,
              encoder,
              queue,
              knownLabels,
              config.textCacheBytes(),
              counters,
              nanoClock,
              snapshot);
      epochs.serves(snapshot.epoch());
      healthy = true;
      started.complete(null);
      try {
        serve(encoder, runner);
      } finally {
        healthy = false;
        runner.fail(closedOrFailed());
      }
    } catch (Throwable e) { // whatever it is, the device's callers must hear of it
      boolean first = started.completeExceptionally(e);
      if (!first) {
        log.error("{}: the device's thread died; it is out of service", device, e);
      }
      end(State.FAILED);
    }
  }

  private void serve(Encoder encoder, BatchRunner runner) throws InterruptedException {
    busySinceNanos = nanoClock.getAsLong();
    while (!closed()) {
      installIfChanged(encoder, runner);
      boolean busy = runRows(runner);
      if (runner.hasTexts()) {
        long from = nanoClock.getAsLong();
        runTextChunk(runner);
        served(nanoClock.getAsLong() - from);
        countFromNowUnlessRowsWait();
        busy = true;
      }
      StepQueue.Waiting<?> step = nextStep(runner.hasTexts() || !queue.isEmpty());
      if (step != null) {
        long from = nanoClock.getAsLong();
        counters.steps.increment();
        step.run(encoder);
        long nanos = nanoClock.getAsLong() - from;
        share.stepped(nanos);
        counters.stepNanos.add(nanos);
        countFromNowUnlessRowsWait();
      } else if (!busy) {
        queue.await(config.maxBatchSize());
        busySinceNanos = nanoClock.getAsLong();
      }
    }
  }

  private boolean runRows(BatchRunner runner) {
    List<Row> batch = queue.poll(config.maxBatchSize());
    if (batch.isEmpty()) {
      return false;
    }
    long from = nanoClock.getAsLong();
    int returned = 0;
    try {
      returned = runner.run(batch);
    } catch (RuntimeException e) {
      log.warn("{}: a batch of {} rows failed ({})", device, batch.size(), e.toString());
      ServingException error = BatchRunner.requestFailed(device, e);
      batch.forEach(row -> row.fail(error));
    } catch (Error e) {
      healthy = false; // before anybody hears of it and tries again
      ServingException error = deviceFailed();
      batch.forEach(row -> row.fail(error));
      throw e;
    }
    long now = nanoClock.getAsLong();
    served(now - from);
    queue.ran(batch.size() - returned, returned, now - busySinceNanos);
    busySinceNanos = now;
    return true;
  }

  /** What is done while no row waits says nothing about how long rows will wait. */
  private void countFromNowUnlessRowsWait() {
    if (queue.isEmpty()) {
      busySinceNanos = nanoClock.getAsLong();
    }
  }

  private void runTextChunk(BatchRunner runner) {
    try {
      runner.runTextChunk();
    } catch (RuntimeException e) {
      log.warn("{}: label texts failed ({})", device, e.toString());
      runner.fail(BatchRunner.requestFailed(device, e));
    }
  }

  private void served(long nanos) {
    share.served(nanos);
    counters.servingNanos.add(nanos);
  }

  private StepQueue.@Nullable Waiting<?> nextStep(boolean rowsWait) {
    return share.stepMayRun(rowsWait) ? steps.poll() : null;
  }

  private void installIfChanged(Encoder encoder, BatchRunner runner) {
    PoolSnapshot snapshot = pool.get();
    long epoch = snapshot.epoch();
    if (epoch == runner.epoch() || epochs.isRefused(epoch) || runner.mustFinishFirst()) {
      return;
    }
    try {
      runner.install(snapshot);
    } catch (RuntimeException e) {
      log.error("{}: epoch {} cannot be installed; {} goes on", device, epoch, runner.epoch(), e);
      epochs.refuse(
          epoch,
          new ServingException(
              ErrorCode.INTERNAL,
              "NOT_INSTALLED",
              "epoch: " + epoch + " cannot be installed on " + device,
              e));
      WarmUp.requireWorking(encoder);
      return;
    }
    epochs.serves(epoch);
  }

  private boolean closed() {
    synchronized (lock) {
      return state != State.RUNNING;
    }
  }

  /** Takes the device out of service and tells everybody who waits. */
  private void end(State last) {
    ServingException error;
    synchronized (lock) {
      if (state == State.FAILED || state == State.CLOSED) {
        return;
      }
      state = last;
      error = last == State.FAILED ? deviceFailed() : closing();
    }
    healthy = false;
    List<Row> rest = queue.close();
    steps.close(error); // before a row's caller hears of it: by then nothing new starts
    rest.forEach(row -> row.fail(error));
    if (last == State.FAILED) {
      epochs.fail();
    } else {
      epochs.close(error);
    }
    ended.complete(null);
  }

  /**
   * Fails all that waits with UNAVAILABLE, lets the batch or step that runs come to its end, and
   * waits for the thread. Twice is fine.
   */
  @Override
  public void close() {
    end(State.CLOSED);
    if (Thread.currentThread() == thread) {
      return;
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
