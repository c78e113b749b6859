package dev.perennial.server.gaussian;

import java.util.Arrays;
import java.util.Random;

/** Random L2-normalised features around one centre per class, for tests. */
final class Rows {
  final int dimension;
  final int classes;
  final float[] features;
  final int[] classOf;

  Rows(int dimension, int classes, float[] features, int[] classOf) {
    this.dimension = dimension;
    this.classes = classes;
    this.features = features;
    this.classOf = classOf;
  }

  static Rows random(long seed, int n, int dimension, int classes) {
    Random random = new Random(seed);
    float[] centres = new float[classes * dimension];
    for (int i = 0; i < centres.length; i++) {
      centres[i] = 1 + 0.5f * (float) random.nextGaussian();
    }
    float[] features = new float[n * dimension];
    int[] classOf = new int[n];
    for (int r = 0; r < n; r++) {
      classOf[r] = random.nextInt(classes);
      double squares = 0;
      for (int i = 0; i < dimension; i++) {
        float f = centres[classOf[r] * dimension + i] + 0.2f * (float) random.nextGaussian();
        features[r * dimension + i] = f;
        squares += (double) f * f;
      }
      for (int i = 0; i < dimension; i++) {
        features[r * dimension + i] /= (float) Math.sqrt(squares);
      }
    }
    return new Rows(dimension, classes, features, classOf);
  }

  int size() {
    return classOf.length;
  }

  /** The given rows, in that order. */
  Rows pick(int[] rows) {
    float[] picked = new float[rows.length * dimension];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(features, rows[i] * dimension, picked, i * dimension, dimension);
    }
    return new Rows(dimension, classes, picked, Arrays.stream(rows).map(r -> classOf[r]).toArray());
  }

  FeatureStatistics statistics() {
    return FeatureStatistics.of(features, dimension, classOf, classes);
  }

  GateConstants fit(GateKind kind) {
    return GateConstants.fit(kind, features, dimension, classOf, classes);
  }
}
