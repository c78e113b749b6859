package dev.perennial.server.task;

import dev.perennial.server.gaussian.FeatureStatistics;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/** Contributions for tests, to the tasks of {@link TaskVersions}. */
public final class Contributions {
  private Contributions() {}

  /** Ten rows of the two classes of {@link TaskVersions#random} with that seed. */
  public static Contribution random(String task, long versionSeed, String requestId) {
    float[] features = TaskVersions.features(new Random(requestId.hashCode()), 10);
    int[] rows = new int[10];
    Arrays.setAll(rows, i -> i);
    return of(task, requestId, TaskVersions.random(task, versionSeed).classNames(), features, rows);
  }

  /**
   * Some of the rows.
   *
   * @param features (n, d); row r is of class r modulo the number of classes
   */
  public static Contribution of(
      String task, String requestId, List<String> classNames, float[] features, int[] rows) {
    int d = TaskVersions.EMBED_DIM;
    TreeMap<String, Integer> present = new TreeMap<>();
    for (int row : rows) {
      present.put(classNames.get(row % classNames.size()), 0);
    }
    int next = 0;
    for (String name : List.copyOf(present.keySet())) {
      present.put(name, next++);
    }
    float[] picked = new float[rows.length * d];
    int[] classOf = new int[rows.length];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(features, rows[i] * d, picked, i * d, d);
      classOf[i] = present.getOrDefault(classNames.get(rows[i] % classNames.size()), 0);
    }
    return new Contribution(
        task,
        requestId,
        List.copyOf(present.keySet()),
        FeatureStatistics.of(picked, d, classOf, present.size()),
        TaskVersions.BACKBONE);
  }

  public static String id(Contribution contribution) {
    return TaskVersionFile.versionId(ContributionFile.write(contribution));
  }
}
