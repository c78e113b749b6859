package dev.perennial.server.device;

import static dev.perennial.server.device.ServedPool.FROZEN_VERSION;

import dev.perennial.server.batching.FairQueue;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.device.TextCaches.JobKey;
import dev.perennial.server.device.TextCaches.TextKey;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Text features of labels, made when an image first needs them, and kept within a bound.
 *
 * <p>Two caches share the bytes: features per text (version, grid point, tokens), which label sets
 * have in common, and whole segments ({@link LabelFeatures}) per label set. An image whose segment
 * is not there is parked in a job. Jobs are worked off in chunks of {@value #CHUNK_ROWS} texts,
 * taken in equal parts from the jobs at hand, so that a list of ten thousand labels delays others
 * by one chunk at a time. Jobs start in turn over the sources that ask, as many at a time as their
 * matrices fit the bound (one always may), so memory is bounded by twice the bound and one job.
 *
 * <p>A job keeps what it has computed until it ends: a label set that is larger than the caches is
 * answered all the same, only not remembered. Owned by the worker's thread.
 */
final class TextFeatures {
  /** Texts run together; about the cost of six images at ViT-B/16. */
  static final int CHUNK_ROWS = 256;

  /**
   * Rows of one call to the text tower. Every call has as many rows (copies fill it up), all of the
   * same length, all frozen or none: then the shape of the computation, and so the last bit of a
   * text's features, depends on the text and not on what else is computed. That keeps exact
   * unlearning exact whatever was cached in between.
   */
  static final int CALL_ROWS = 8;

  /** What the texts of one call have in common. */
  private record Shape(int length, boolean frozen) {}

  /** A place in a job's matrices that a text's features go to. */
  private record Place(TextJob job, int index) {}

  private final int embedDim;
  private final long maxBytes;
  private final TextCaches caches;
  private final Map<JobKey, TextJob> jobs = new HashMap<>();
  private final FairQueue<TextJob> waiting = new FairQueue<>();
  private final ArrayDeque<TextJob> active = new ArrayDeque<>();
  private @Nullable TextJob next;
  private long activeBytes;

  TextFeatures(int embedDim, long maxBytes) {
    this.embedDim = embedDim;
    this.maxBytes = maxBytes;
    caches = new TextCaches(embedDim, maxBytes);
  }

  /** Forgets the texts of versions that are served no more; they would fill the caches for long. */
  void keepOnly(Set<String> versionIds) {
    caches.keepOnly(versionIds);
  }

  /** The texts' features, where they are at hand. */
  @Nullable LabelFeatures find(AnswerPlan.Texts wanted) {
    return caches.segment(key(wanted));
  }

  /** Keeps the row until the texts that it wants next are computed. */
  void park(ClassifyRow row, AnswerPlan.Texts wanted) {
    JobKey key = key(wanted);
    TextJob job = jobs.get(key);
    if (job == null) {
      job = new TextJob(key);
      jobs.put(key, job);
      waiting.add(row.source(), job);
    }
    job.rows.add(row);
  }

  boolean hasWork() {
    return !jobs.isEmpty();
  }

  /** Rows that are parked. */
  int parked() {
    int rows = 0;
    for (TextJob job : jobs.values()) {
      rows += job.rows.size();
    }
    return rows;
  }

  /** Takes all rows out; the jobs stay for those that are parked again. */
  List<ClassifyRow> unpark() {
    List<ClassifyRow> rows = new ArrayList<>();
    for (TextJob job : jobs.values()) {
      rows.addAll(job.rows);
      job.rows.clear();
    }
    return rows;
  }

  /** Takes those rows out that nobody waits for, expiring those that are late. */
  void dropRows(long nowNanos) {
    for (TextJob job : jobs.values()) {
      for (ClassifyRow row : job.rows) {
        if (!row.abandoned() && row.expiredAt(nowNanos)) {
          row.expire();
        }
      }
      job.rows.removeIf(ClassifyRow::abandoned);
    }
    dropEmptyJobs();
  }

  /** Forgets jobs that no row waits for. */
  void dropEmptyJobs() {
    if (!jobs.values().removeIf(job -> job.rows.isEmpty())) {
      return;
    }
    waiting.removeIf(job -> job.rows.isEmpty());
    if (next != null && next.rows.isEmpty()) {
      next = null;
    }
    for (TextJob job : active) {
      if (job.rows.isEmpty()) {
        activeBytes -= job.bytes();
      }
    }
    active.removeIf(job -> job.rows.isEmpty());
  }

  /** Texts to encode together, and where their features go. */
  final class Chunk {
    private final Map<TextKey, List<Place>> wanted = new LinkedHashMap<>();

    private Chunk() {}

    int size() {
      return wanted.size();
    }

    /** The chunk cut into calls of the text tower, see {@link #CALL_ROWS}. */
    List<Chunk> calls() {
      List<Chunk> calls = new ArrayList<>();
      Map<Shape, Chunk> open = new HashMap<>();
      wanted.forEach(
          (key, places) -> {
            Shape shape = new Shape(key.tokens().size(), key.point() == 0);
            Chunk call = open.get(shape);
            if (call == null || call.size() == CALL_ROWS) {
              call = new Chunk();
              open.put(shape, call);
              calls.add(call);
            }
            call.wanted.put(key, places);
          });
      return calls;
    }

    /** Per row its text; the last one's copies fill the call up. */
    private List<TextKey> rows() {
      List<TextKey> rows = new ArrayList<>(wanted.keySet());
      while (rows.size() < CALL_ROWS) {
        rows.add(rows.get(rows.size() - 1));
      }
      return rows;
    }

    List<int[]> tokens() {
      return rows().stream().map(TextFeatures::tokens).toList();
    }

    int[] slots(ServedPool pool) {
      return rows().stream().mapToInt(key -> pool.slot(key.versionId())).toArray();
    }

    float[] gateWeights() {
      float[] weights = new float[CALL_ROWS];
      int i = 0;
      for (TextKey key : rows()) {
        weights[i++] = GridSegment.gateWeight(key.point());
      }
      return weights;
    }

    /** Takes a call's features in, in the order of {@link #tokens}. */
    void encoded(float[] features) {
      int at = 0;
      for (Map.Entry<TextKey, List<Place>> entry : wanted.entrySet()) {
        float[] values = Arrays.copyOfRange(features, at, at + embedDim);
        at += embedDim;
        caches.put(entry.getKey(), values);
        for (Place place : entry.getValue()) {
          place.job().set(place.index(), values);
        }
      }
    }

    /** The chunk cut into calls of one text. */
    List<Chunk> singles() {
      List<Chunk> singles = new ArrayList<>();
      wanted.forEach(
          (key, places) -> {
            Chunk single = new Chunk();
            single.wanted.put(key, places);
            singles.add(single);
          });
      return singles;
    }

    /** Takes the rows out that wait for a text of this chunk. */
    List<ClassifyRow> giveUp() {
      List<ClassifyRow> rows = new ArrayList<>();
      for (List<Place> places : wanted.values()) {
        for (Place place : places) {
          rows.addAll(place.job().rows);
          place.job().rows.clear();
        }
      }
      return rows;
    }
  }

  /** The next texts to encode; of size 0 where what was at hand completes the jobs. */
  Chunk nextChunk() {
    activate();
    Chunk chunk = new Chunk();
    int share = Math.max(1, CHUNK_ROWS / Math.max(1, active.size()));
    for (int turn = active.size(); turn > 0 && chunk.size() < CHUNK_ROWS; turn--) {
      TextJob job = active.removeFirst();
      job.collect(chunk.wanted, Math.min(CHUNK_ROWS, chunk.size() + share));
      active.addLast(job);
    }
    return chunk;
  }

  /** Starts jobs while their matrices fit; the first always may. */
  private void activate() {
    while (true) {
      if (next == null) {
        next = waiting.poll();
      }
      if (next == null || (!active.isEmpty() && activeBytes + next.bytes() > maxBytes)) {
        return;
      }
      next.start();
      activeBytes += next.bytes();
      active.addLast(next);
      next = null;
    }
  }

  /** A row whose features are there. */
  record Ready(ClassifyRow row, LabelFeatures features) {}

  /** Takes out the rows of the jobs that are complete. */
  List<Ready> takeReady() {
    List<Ready> ready = new ArrayList<>();
    for (TextJob job : active) {
      if (job.complete()) {
        LabelFeatures features = job.features();
        caches.put(job.key, features);
        job.rows.forEach(row -> ready.add(new Ready(row, features)));
        job.rows.clear();
      }
    }
    if (!ready.isEmpty()) {
      dropEmptyJobs();
    }
    return ready;
  }

  private static JobKey key(AnswerPlan.Texts wanted) {
    Branch branch = wanted.branch();
    GridSegment segment = GridSegment.of(branch.gateWeight());
    return new JobKey(
        new TextCaches.Identity(wanted.labels()),
        branch.versionId(),
        segment.low(),
        segment.high());
  }

  private static int[] tokens(TextKey key) {
    return key.tokens().stream().mapToInt(Integer::intValue).toArray();
  }

  /** One segment of one label set while it is computed. */
  private final class TextJob {
    private final JobKey key;
    private final List<LabelSet.Prompt> prompts;
    private final int[] points;
    private final List<ClassifyRow> rows = new ArrayList<>();
    private float[][] matrices = new float[0][];

    /** Place (point, prompt) that is looked at next, and how many are filled. */
    private int cursor;

    private int filled;

    TextJob(JobKey key) {
      this.key = key;
      this.prompts = key.labels().labels().prompts();
      this.points =
          key.low() == key.high() ? new int[] {key.low()} : new int[] {key.low(), key.high()};
    }

    long bytes() {
      return caches.bytes(key);
    }

    void start() {
      matrices = new float[points.length][prompts.size() * embedDim];
    }

    boolean complete() {
      return filled == points.length * prompts.size();
    }

    /** Fills in what is cached, and asks for the rest until the chunk has so many texts. */
    void collect(Map<TextKey, List<Place>> wanted, int maxTexts) {
      int places = points.length * prompts.size();
      for (; cursor < places; cursor++) {
        TextKey text = text(cursor);
        float[] values = caches.text(text);
        if (values != null) {
          set(cursor, values);
          continue;
        }
        List<Place> others = wanted.get(text);
        if (others == null) {
          if (wanted.size() >= maxTexts) {
            return;
          }
          others = new ArrayList<>(1);
          wanted.put(text, others);
        }
        others.add(new Place(this, cursor));
      }
    }

    private TextKey text(int index) {
      int point = points[index / prompts.size()];
      // Point 0 is the frozen network, whatever the version.
      String version = point == 0 ? FROZEN_VERSION : key.versionId();
      return new TextKey(version, point, prompts.get(index % prompts.size()).tokens());
    }

    void set(int index, float[] values) {
      float[] matrix = matrices[index / prompts.size()];
      int column = index % prompts.size();
      for (int e = 0, at = column; e < embedDim; e++, at += prompts.size()) {
        matrix[at] = values[e];
      }
      filled++;
    }

    LabelFeatures features() {
      return new LabelFeatures(
          key.labels().labels(), embedDim, matrices[0], points.length == 1 ? null : matrices[1]);
    }
  }
}
