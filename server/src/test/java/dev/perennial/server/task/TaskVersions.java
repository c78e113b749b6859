package dev.perennial.server.task;

import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Task versions with random contents, for tests: the same arguments give the same version. */
public final class TaskVersions {
  public static final String BACKBONE = "ab".repeat(32);
  public static final int EMBED_DIM = 8;

  private static final int ROWS = 30;

  private TaskVersions() {}

  /** Two classes, depth 2 and 1, length 3, widths 4 and 6, embed dim {@link #EMBED_DIM}. */
  public static TaskVersion random(String task, long seed) {
    return random(task, seed, BACKBONE);
  }

  public static TaskVersion random(String task, long seed, String backbone) {
    Random random = new Random(task.hashCode() * 31L + seed);
    float[] features = features(random, ROWS);
    int[] classOf = new int[ROWS];
    for (int i = 0; i < ROWS; i++) {
      classOf[i] = i % 2;
    }
    return new TaskVersion(
        task,
        List.of("cat " + seed, "emoji \uD83D\uDC08 \"quoted\" <b>"),
        "a photo of a {}.",
        new Prefixes(
            3,
            layers(random, 2, 12),
            layers(random, 2, 12),
            layers(random, 1, 18),
            layers(random, 1, 18)),
        FeatureStatistics.of(features, EMBED_DIM, classOf, 2),
        GateConstants.fit(GateKind.ROBUST, features, EMBED_DIM, classOf, 2),
        HeadConstants.fit(features, EMBED_DIM, classOf, 2),
        Map.of("learning_rate", "5.0", "epochs", "10"),
        Map.of("validation_accuracy", random.nextDouble()),
        seed,
        backbone,
        Instant.ofEpochSecond(1_700_000_000L + seed, 123_456_789));
  }

  /** As files and manifests name it. */
  public static String id(TaskVersion version) {
    return TaskVersionFile.versionId(TaskVersionFile.write(version));
  }

  /** Rows of L2-normalised features around one random centre. */
  public static float[] features(Random random, int rows) {
    float[] centre = new float[EMBED_DIM];
    for (int i = 0; i < EMBED_DIM; i++) {
      centre[i] = (float) random.nextGaussian();
    }
    float[] features = new float[rows * EMBED_DIM];
    for (int row = 0; row < rows; row++) {
      double squares = 0;
      for (int i = 0; i < EMBED_DIM; i++) {
        float f = centre[i] + 0.2f * (float) random.nextGaussian();
        features[row * EMBED_DIM + i] = f;
        squares += (double) f * f;
      }
      for (int i = 0; i < EMBED_DIM; i++) {
        features[row * EMBED_DIM + i] /= (float) Math.sqrt(squares);
      }
    }
    return features;
  }

  private static List<float[]> layers(Random random, int depth, int size) {
    List<float[]> layers = new ArrayList<>();
    for (int layer = 0; layer < depth; layer++) {
      float[] numbers = new float[size];
      for (int i = 0; i < size; i++) {
        numbers[i] = (float) random.nextGaussian();
      }
      layers.add(numbers);
    }
    return layers;
  }
}
