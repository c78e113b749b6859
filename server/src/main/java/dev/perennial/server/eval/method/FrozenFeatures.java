package dev.perennial.server.eval.method;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.PictureSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Image features of the frozen encoder for all test sets, computed once. Of the bench's thread. */
final class FrozenFeatures {
  /** The most pictures of one call. */
  static final int MAX_BATCH = 128;

  private final Bench bench;
  private final Map<Integer, float[]> tests = new HashMap<>();

  FrozenFeatures(Bench bench) {
    this.bench = bench;
  }

  /** L2-normalised features of a task's test pictures, (n, E) row by row; not to be changed. */
  float[] ofTests(EvalTask task) {
    return tests.computeIfAbsent(task.place(), place -> features(task.test()));
  }

  /** L2-normalised features of any pictures, (n, E) row by row; computed at each call. */
  float[] features(PictureSet pictures) {
    ClipModel model = bench.model();
    int embedDim = model.config().embedDim();
    float[] features = new float[Math.multiplyExact(pictures.size(), embedDim)];
    try (PrefixBank none = model.bank(List.of())) {
      for (int from = 0; from < pictures.size(); from += MAX_BATCH) {
        int to = Math.min(from + MAX_BATCH, pictures.size());
        float[] rows =
            model.imageFeatures(
                pictures.pixels(from, to), none, new int[to - from], new float[to - from]);
        System.arraycopy(rows, 0, features, from * embedDim, rows.length);
      }
    }
    return features;
  }
}
