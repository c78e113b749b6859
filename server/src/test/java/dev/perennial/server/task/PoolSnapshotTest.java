package dev.perennial.server.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.gaussian.TaskGaussian;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PoolSnapshotTest {
  private static ActiveTask task(String name, TaskVersion version) {
    ActiveTask task = ActiveTask.of("id", version);
    return new ActiveTask(
        name,
        "id",
        version,
        Set.of(),
        version.statistics(),
        task.gaussian(),
        task.domain(),
        task.head());
  }

  private static List<ActiveTask> tasks(int count) {
    List<ActiveTask> tasks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String name = String.format("task-%02d", i);
      tasks.add(task(name, TaskVersions.random(name, i)));
    }
    return tasks;
  }

  /** Rows around many centres. */
  private static float[] spread(Random random, int rows) {
    float[] probes = new float[rows * TaskVersions.EMBED_DIM];
    for (int row = 0; row < rows; row++) {
      float[] one = TaskVersions.features(random, 1);
      System.arraycopy(one, 0, probes, row * one.length, one.length);
    }
    return probes;
  }

  @Test
  void route_noTask_null() {
    assertNull(new PoolSnapshot(0, List.of()).route(new float[8], 0));
  }

  @Test
  void route_manyTasks_equalToAskingEveryTask() {
    PoolSnapshot snapshot = new PoolSnapshot(1, tasks(20));
    float[] probes = spread(new Random(4), 200);
    Set<Integer> seen = new HashSet<>();
    for (int at = 0; at < probes.length; at += 8) {
      int best = 0;
      double bestDensity = Double.NEGATIVE_INFINITY;
      for (int slot = 0; slot < 20; slot++) {
        double density = snapshot.tasks().get(slot).gaussian().logDensity(probes, at);
        if (density > bestDensity) {
          best = slot;
          bestDensity = density;
        }
      }
      TaskGaussian gaussian = snapshot.tasks().get(best).gaussian();
      Route expected =
          new Route(best, bestDensity, gaussian.z(bestDensity), gaussian.gateWeight(bestDensity));
      assertEquals(expected, snapshot.route(probes, at));
      seen.add(best);
    }
    assertTrue(seen.size() > 1, "only one task was ever chosen");
  }

  @Test
  void route_rowsOfEachTask_findTheirTask() {
    PoolSnapshot snapshot = new PoolSnapshot(1, tasks(20));
    for (int slot = 0; slot < 20; slot++) {
      double[] mean = snapshot.tasks().get(slot).version().statistics().mean();
      float[] features = new float[mean.length];
      for (int i = 0; i < mean.length; i++) {
        features[i] = (float) mean[i];
      }
      Route route = found(snapshot.route(features, 0));
      assertEquals(slot, route.slot());
      assertTrue(route.gateWeight() > 0.99);
    }
  }

  private static Route found(@Nullable Route route) {
    return Objects.requireNonNull(route);
  }

  @Test
  void route_equalTasks_lowerSlot() {
    TaskVersion version = TaskVersions.random("cats", 1);
    PoolSnapshot snapshot =
        new PoolSnapshot(1, List.of(task("b", version), task("c", version), task("a", version)));
    float[] probes = TaskVersions.features(new Random(4), 10);
    for (int at = 0; at < probes.length; at += 8) {
      assertEquals(0, found(snapshot.route(probes, at)).slot());
    }
  }

  @Test
  void route_notFinite_throws() {
    PoolSnapshot snapshot = new PoolSnapshot(1, tasks(2));
    float[] features = new float[8];
    Arrays.fill(features, Float.NaN);
    assertThrows(IllegalArgumentException.class, () -> snapshot.route(features, 0));
  }

  @Test
  void tasks_anyOrder_byName() {
    List<ActiveTask> shuffled = new ArrayList<>(tasks(12));
    Collections.shuffle(shuffled, new Random(1));
    PoolSnapshot snapshot = new PoolSnapshot(1, shuffled);
    for (int slot = 0; slot < 12; slot++) {
      assertEquals(slot, snapshot.slot(String.format("task-%02d", slot)));
    }
    assertEquals(-1, snapshot.slot("task"));
    assertEquals(-1, snapshot.slot("zebra"));
  }

  @Test
  void tasks_nameTwice_throws() {
    TaskVersion version = TaskVersions.random("cats", 1);
    assertThrows(
        IllegalArgumentException.class,
        () -> new PoolSnapshot(1, List.of(task("a", version), task("a", version))));
  }
}
