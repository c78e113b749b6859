package dev.perennial.server.eval.method;

import java.util.SplittableRandom;

/**
 * A task's keys: what queries are compared with. Centroids of its frozen features by K-means, as
 * S-Prompts has them (Wang et al., NeurIPS 2022, section 3.2), compared by the cosine, as in L2P
 * (Wang et al., CVPR 2022, section 4.2). With one key it is L2P's: the key that its loss, the mean
 * cosine distance to all queries of the task, is least at is their mean. Immutable.
 */
final class TaskKeys {
  private static final int MAX_ROUNDS = 100;

  private final double[][] keys;

  private TaskKeys(double[][] keys) {
    this.keys = keys;
  }

  /**
   * Finds them, from a start of the seed's.
   *
   * @param features L2-normalised, (n, E) row by row, at least one
   */
  static TaskKeys of(float[] features, int embedDim, int count, long seed) {
    int rows = features.length / embedDim;
    double[][] keys = new double[Math.min(count, rows)][embedDim];
    SplittableRandom random = new SplittableRandom(seed);
    int[] order = new int[rows];
    for (int i = 0; i < rows; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    for (int k = 0; k < keys.length; k++) {
      for (int e = 0; e < embedDim; e++) {
        keys[k][e] = features[order[k] * embedDim + e];
      }
    }
    TaskKeys found = new TaskKeys(keys);
    int[] nearest = new int[rows];
    for (int round = 0; round < MAX_ROUNDS && found.assign(features, nearest, round); round++) {
      found.centre(features, nearest);
    }
    return found;
  }

  /** Gives each row its nearest key; whether anything changed. */
  private boolean assign(float[] features, int[] nearest, int round) {
    boolean changed = round == 0;
    int embedDim = keys[0].length;
    for (int i = 0; i < nearest.length; i++) {
      int best = 0;
      for (int k = 1; k < keys.length; k++) {
        if (dot(keys[k], features, i * embedDim) > dot(keys[best], features, i * embedDim)) {
          best = k;
        }
      }
      changed |= nearest[i] != best;
      nearest[i] = best;
    }
    return changed;
  }

  /** Moves each key to the mean of its rows, of length 1; one without rows stays. */
  private void centre(float[] features, int[] nearest) {
    int embedDim = keys[0].length;
    double[][] sums = new double[keys.length][embedDim];
    for (int i = 0; i < nearest.length; i++) {
      for (int e = 0; e < embedDim; e++) {
        sums[nearest[i]][e] += features[i * embedDim + e];
      }
    }
    for (int k = 0; k < keys.length; k++) {
      double squared = 0;
      for (double value : sums[k]) {
        squared += value * value;
      }
      if (squared > 0) {
        for (int e = 0; e < embedDim; e++) {
          keys[k][e] = sums[k][e] / Math.sqrt(squared);
        }
      }
    }
  }

  /** The highest cosine of the features at this offset with a key. */
  double similarity(float[] features, int offset) {
    double highest = Double.NEGATIVE_INFINITY;
    for (double[] key : keys) {
      highest = Math.max(highest, dot(key, features, offset));
    }
    return highest;
  }

  private static double dot(double[] key, float[] features, int offset) {
    double sum = 0;
    for (int e = 0; e < key.length; e++) {
      sum += key[e] * features[offset + e];
    }
    return sum;
  }
}
