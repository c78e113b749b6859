package dev.perennial.server.device;

import dev.perennial.server.batching.RowQueue;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.Prefixes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a worker does with the rows of a batch: binds them to the served pool, runs both towers, and
 * sends each row on: back for its second pass, to wait for label texts, or to its caller.
 *
 * <p>Invariant: between two calls every row that is under way is bound to {@link #pool} or will be
 * bound to it before anything is computed from it, and the encoder's slots are that pool's. So an
 * answer belongs as a whole to the one epoch that it names.
 *
 * <p>Owned by the worker's thread. Futures are completed on it.
 */
final class BatchRunner {
  private static final Logger log = LoggerFactory.getLogger(BatchRunner.class);

  /**
   * So often a row may be overtaken by a change of the pool; then the next change waits for it.
   * Else a pool that changes faster than a row is answered could keep the row for ever.
   */
  private static final int MAX_REROUTES = 2;

  private final String device;
  private final Encoder encoder;
  private final Towers towers;
  private final RowQueue<Row> queue;
  private final KnownLabels knownLabels;
  private final TextFeatures texts;
  private final DeviceCounters counters;
  private final LongSupplier nanoClock;
  private final List<ClassifyRow> overtaken = new ArrayList<>();
  private ServedPool pool;
  private int held;

  BatchRunner(
      String device,
      Encoder encoder,
      RowQueue<Row> queue,
      KnownLabels knownLabels,
      long textCacheBytes,
      DeviceCounters counters,
      LongSupplier nanoClock,
      PoolSnapshot snapshot) {
    this.device = device;
    this.encoder = encoder;
    this.towers = new Towers(device, encoder, this::failAlone);
    this.queue = queue;
    this.knownLabels = knownLabels;
    this.texts = new TextFeatures(encoder.config().embedDim(), textCacheBytes);
    this.counters = counters;
    this.nanoClock = nanoClock;
    encoder.install(prefixes(snapshot));
    this.pool = ServedPool.of(snapshot);
  }

  private static List<Prefixes> prefixes(PoolSnapshot snapshot) {
    return snapshot.tasks().stream().map(task -> task.version().prefixes()).toList();
  }

  long epoch() {
    return pool.epoch();
  }

  /** Whether a change of the pool has to wait for rows that were overtaken too often. */
  boolean mustFinishFirst() {
    overtaken.removeIf(ClassifyRow::abandoned);
    return !overtaken.isEmpty();
  }

  /** Serves another snapshot from now on. Where it throws, the old one goes on. */
  void install(PoolSnapshot snapshot) {
    encoder.install(prefixes(snapshot));
    pool = ServedPool.of(snapshot);
    texts.keepOnly(pool.slots().keySet());
    List<ClassifyRow> again = new ArrayList<>();
    for (ClassifyRow row : texts.unpark()) {
      if (bind(row)) {
        if (row.passesDone()) {
          answer(row);
        } else {
          again.add(row);
        }
      }
    }
    texts.dropEmptyJobs();
    putBack(again);
    reportHeld();
  }

  /** Runs one batch; returns how many of its rows had come back from a first pass. */
  int run(List<Row> batch) {
    long now = nanoClock.getAsLong();
    List<ClassifyRow> images = new ArrayList<>();
    List<EmbedRow> embedImages = new ArrayList<>();
    List<EmbedRow> embedTexts = new ArrayList<>();
    int returned = 0;
    for (Row row : batch) {
      if (row instanceof ClassifyRow image) {
        if (image.firstPassDone()) {
          returned++;
        } else {
          counters.queueWaitNanos.add(now - row.queuedNanos());
        }
        if (bind(image)) {
          if (image.passesDone()) {
            answer(image);
          } else {
            images.add(image);
          }
        }
      } else if (row instanceof EmbedRow embed) {
        counters.queueWaitNanos.add(now - row.queuedNanos());
        boolean text = embed.query.input() instanceof EmbedQuery.Input.Tokens;
        (text ? embedTexts : embedImages).add(embed);
      }
    }
    runImages(images, embedImages);
    runTexts(embedTexts);
    counters.batches.increment();
    reportHeld();
    return returned;
  }

  private boolean bind(ClassifyRow row) {
    int before = row.reroutes;
    try {
      row.bind(pool, knownLabels);
    } catch (ServingException e) {
      row.fail(e);
      return false;
    } catch (RuntimeException e) {
      failAlone(row, e);
      return false;
    }
    if (row.reroutes > before) {
      counters.rerouted.increment();
      if (row.reroutes == MAX_REROUTES) {
        overtaken.add(row);
      }
    }
    return true;
  }

  private void runImages(List<ClassifyRow> rows, List<EmbedRow> embeds) {
    List<Towers.ImagePass> passes = new ArrayList<>(rows.size() + embeds.size());
    for (ClassifyRow row : rows) {
      Branch branch = Objects.requireNonNull(row.nextBranch());
      passes.add(
          new Towers.ImagePass(
              row, row.query.pixels(), pool.slot(branch.versionId()), branch.gateWeight()));
    }
    for (EmbedRow row : embeds) {
      if (row.query.input() instanceof EmbedQuery.Input.Pixels pixels) {
        try {
          passes.add(new Towers.ImagePass(row, pixels.values(), row.slot(pool), row.gateWeight()));
        } catch (ServingException e) {
          row.fail(e);
        }
      }
    }
    List<ClassifyRow> first = new ArrayList<>();
    List<ClassifyRow> later = new ArrayList<>();
    towers.images(passes, (pass, features) -> imagePassDone(pass, features, first, later));
    BatchRouting.plan(first, pool.snapshot(), this::failAlone);
    first.removeIf(ClassifyRow::awaitsPlan); // those have failed
    first.stream()
        .filter(ClassifyRow::passesDone)
        .forEach(row -> counters.skippedSecondPasses.increment());
    putBack(answered(first, later));
  }

  /** Answers the rows that have passed all; the others. */
  private List<ClassifyRow> answered(List<ClassifyRow> first, List<ClassifyRow> later) {
    List<ClassifyRow> again = new ArrayList<>();
    for (List<ClassifyRow> rows : List.of(later, first)) {
      for (ClassifyRow row : rows) {
        if (row.passesDone()) {
          answer(row);
        } else {
          again.add(row);
        }
      }
    }
    return again;
  }

  private void imagePassDone(
      Towers.ImagePass pass, float[] features, List<ClassifyRow> first, List<ClassifyRow> later) {
    if (pass.row() instanceof EmbedRow embed) {
      counters.embedRows.increment();
      embed.complete(new Embedding(features, pool.epoch()));
      return;
    }
    ClassifyRow row = (ClassifyRow) pass.row();
    boolean isFirst = !row.firstPassDone();
    (isFirst ? counters.firstPassRows : counters.secondPassRows).increment();
    row.passed(features);
    (isFirst ? first : later).add(row);
  }

  private void runTexts(List<EmbedRow> rows) {
    List<Towers.TextPass> passes = new ArrayList<>(rows.size());
    for (EmbedRow row : rows) {
      if (row.query.input() instanceof EmbedQuery.Input.Tokens tokens) {
        int[] ids = tokens.ids().stream().mapToInt(Integer::intValue).toArray();
        try {
          passes.add(new Towers.TextPass(row, ids, row.slot(pool), row.gateWeight()));
        } catch (ServingException e) {
          row.fail(e);
        }
      }
    }
    towers.texts(
        passes,
        (pass, features) -> {
          counters.embedRows.increment();
          pass.row().complete(new Embedding(features, pool.epoch()));
        });
  }

  /** Scores the row, or parks it until texts that it needs are computed. */
  private void answer(ClassifyRow row) {
    for (AnswerPlan.Texts wanted = row.nextTexts(); wanted != null; wanted = row.nextTexts()) {
      LabelFeatures features = texts.find(wanted);
      if (features == null) {
        counters.textCacheMisses.increment();
        texts.park(row, wanted);
        return;
      }
      counters.textCacheHits.increment();
      row.texts(features);
    }
    try {
      row.complete(encoder.logitScale());
    } catch (RuntimeException e) {
      failAlone(row, e);
    }
  }

  boolean hasTexts() {
    return texts.hasWork();
  }

  /** Runs one chunk of label texts, and answers the rows that have waited for it. */
  void runTextChunk() {
    texts.dropRows(nanoClock.getAsLong());
    texts.nextChunk().calls().forEach(this::encodeTexts);
    for (TextFeatures.Ready ready : texts.takeReady()) {
      ready.row().texts(ready.features());
      answer(ready.row());
    }
    reportHeld();
  }

  private void encodeTexts(TextFeatures.Chunk chunk) {
    try {
      chunk.encoded(encoder.textFeatures(chunk.tokens(), chunk.slots(pool), chunk.gateWeights()));
      counters.textRows.add(chunk.size());
    } catch (RuntimeException e) {
      if (chunk.size() > 1) {
        log.warn("{}: {} label texts failed ({}); running each by itself", device, chunk.size(), e);
        chunk.singles().forEach(this::encodeTexts);
        return;
      }
      WarmUp.requireWorking(encoder);
      chunk.giveUp().forEach(row -> failAlone(row, e));
      texts.dropEmptyJobs();
    }
  }

  /** Fails every row that waits here. */
  void fail(ServingException error) {
    texts.unpark().forEach(row -> row.fail(error));
    texts.dropEmptyJobs();
    reportHeld();
  }

  private void putBack(List<ClassifyRow> rows) {
    if (!rows.isEmpty() && !queue.putBack(List.copyOf(rows))) {
      rows.forEach(row -> row.fail(DeviceThread.closing()));
    }
  }

  /** Parked rows count as waiting in the queue. */
  private void reportHeld() {
    int parked = texts.parked();
    queue.hold(parked - held);
    held = parked;
  }

  private void failAlone(Row row, RuntimeException cause) {
    if (row.abandoned()) {
      return;
    }
    counters.failed.increment();
    if (cause instanceof ServingException serving) {
      row.fail(serving);
      return;
    }
    row.fail(requestFailed(device, cause));
  }

  /** Logged with its cause by whoever answers the request. */
  static ServingException requestFailed(String device, RuntimeException cause) {
    return new ServingException(
        ErrorCode.INTERNAL, "REQUEST_FAILED", "request: failed on device " + device, cause);
  }
}
