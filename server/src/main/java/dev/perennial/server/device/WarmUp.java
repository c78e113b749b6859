package dev.perennial.server.device;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.task.Prefixes;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;

/**
 * The first runs of a device: both towers, frozen and with a task, one row and many. They load
 * code, choose kernels and take memory, which costs many times what a later run does; a server that
 * met its first requests with that would be slow, and would refuse the next ones because it takes
 * their wait for as long. Also the proof that a device still computes ({@link #requireWorking}).
 */
final class WarmUp {
  /** What each of the four programs may cost with many rows: a slow device runs fewer. */
  private static final long BUDGET_NANOS = 1_000_000_000;

  private final Encoder encoder;
  private final ClipConfig clip;
  private final LongSupplier nanoClock;

  private WarmUp(Encoder encoder, LongSupplier nanoClock) {
    this.encoder = encoder;
    this.clip = encoder.config();
    this.nanoClock = nanoClock;
  }

  /** Runs everything. Afterwards the encoder has no tasks. */
  static void run(Encoder encoder, int maxBatchSize, LongSupplier nanoClock) {
    new WarmUp(encoder, nanoClock).run(maxBatchSize);
  }

  private void run(int maxBatchSize) {
    encoder.install(List.of(identity()));
    for (float gateWeight : new float[] {0, 1}) {
      grow(maxBatchSize, rows -> images(rows, gateWeight));
      grow(maxBatchSize, rows -> texts(rows, gateWeight));
    }
    encoder.install(List.of());
  }

  /** Throws {@link DeviceBrokenError} unless a blank image goes through the frozen image tower. */
  static void requireWorking(Encoder encoder) {
    try {
      new WarmUp(encoder, () -> 0).images(1, 0);
    } catch (RuntimeException e) {
      throw new DeviceBrokenError(e);
    }
  }

  /** One row twice, the second time by the clock, and then as many as fit the budget. */
  private void grow(int maxRows, IntConsumer program) {
    program.accept(1);
    long from = nanoClock.getAsLong();
    program.accept(1);
    long rowNanos = Math.max(1, nanoClock.getAsLong() - from);
    int rows = (int) Math.min(maxRows, BUDGET_NANOS / rowNanos);
    if (rows > 1) {
      program.accept(rows);
    }
  }

  private void images(int rows, float gateWeight) {
    float[] blank = new float[3 * clip.imageSize() * clip.imageSize()];
    encoder.imageFeatures(Collections.nCopies(rows, blank), new int[rows], gates(rows, gateWeight));
  }

  private void texts(int rows, float gateWeight) {
    int[] tokens = new int[clip.contextLength()];
    Arrays.fill(tokens, clip.startOfTextId());
    tokens[tokens.length - 1] = clip.endOfTextId();
    encoder.textFeatures(Collections.nCopies(rows, tokens), new int[rows], gates(rows, gateWeight));
  }

  private static float[] gates(int rows, float gateWeight) {
    float[] gates = new float[rows];
    Arrays.fill(gates, gateWeight);
    return gates;
  }

  /** A branch of one row and one layer that changes nothing. */
  private Prefixes identity() {
    List<float[]> image = List.of(new float[clip.image().width()]);
    List<float[]> text = List.of(new float[clip.text().width()]);
    return new Prefixes(1, image, image, text, text);
  }
}
