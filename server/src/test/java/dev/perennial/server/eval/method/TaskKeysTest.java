package dev.perennial.server.eval.method;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TaskKeysTest {
  /** Ten rows around each of two directions at right angles, in turn. */
  private static float[] twoClusters() {
    SplittableRandom random = new SplittableRandom(3);
    float[] features = new float[20 * 4];
    for (int i = 0; i < 20; i++) {
      double squared = 0;
      for (int e = 0; e < 4; e++) {
        double value = (e == i % 2 ? 1 : 0) + 0.1 * random.nextGaussian();
        features[i * 4 + e] = (float) value;
        squared += value * value;
      }
      for (int e = 0; e < 4; e++) {
        features[i * 4 + e] /= (float) Math.sqrt(squared);
      }
    }
    return features;
  }

  @Test
  void similarity_oneKey_isTheCosineWithTheMean() {
    float[] features = twoClusters();
    double[] mean = new double[4];
    for (int i = 0; i < features.length; i++) {
      mean[i % 4] += features[i];
    }
    double length = 0;
    double dot = 0;
    for (int e = 0; e < 4; e++) {
      length += mean[e] * mean[e];
      dot += mean[e] * features[8 + e];
    }
    TaskKeys keys = TaskKeys.of(features, 4, 1, 7);
    assertEquals(dot / Math.sqrt(length), keys.similarity(features, 8), 1e-9);
  }

  @Test
  void similarity_asManyKeysAsClusters_findsEach() {
    TaskKeys one = TaskKeys.of(twoClusters(), 4, 1, 7);
    for (long seed = 0; seed < 5; seed++) {
      TaskKeys two = TaskKeys.of(twoClusters(), 4, 2, seed);
      float[] ends = {1, 0, 0, 0, 0, 1, 0, 0};
      assertTrue(one.similarity(ends, 0) < 0.8);
      assertTrue(two.similarity(ends, 0) > 0.98, "seed " + seed);
      assertTrue(two.similarity(ends, 4) > 0.98, "seed " + seed);
    }
  }

  @Test
  void of_moreKeysThanRows_eachRowIsAKey() {
    float[] rows = {1, 0, 0, 1};
    TaskKeys keys = TaskKeys.of(rows, 2, 5, 1);
    assertEquals(1, keys.similarity(rows, 0), 1e-6);
    assertEquals(1, keys.similarity(rows, 2), 1e-6);
  }
}
