package dev.perennial.server.eval.method;

import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.Method;
import dev.perennial.server.gaussian.DiscriminantHead;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.TaskGaussian;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One task as the residual methods know it: its branch, its Gaussians, and what learning it took.
 * Equal by identity. Of the bench's thread.
 */
final class TrainedBranch {
  private final TaskVersion version;
  private final Method.Learned learned;
  private @Nullable ActiveTask serving;
  private final Map<GateKind, TaskGaussian> gaussians = new EnumMap<>(GateKind.class);
  private final Map<String, double[]> logDensities = new HashMap<>();
  private double @Nullable [] key;

  TrainedBranch(TaskVersion version, Method.Learned learned) {
    this.version = version;
    this.learned = learned;
  }

  TaskVersion version() {
    return version;
  }

  Method.Learned learned() {
    return learned;
  }

  /** The task's Gaussian under a gate; the statistics behind it are the same for both. */
  TaskGaussian gaussian(GateKind kind) {
    return gaussians.computeIfAbsent(
        kind,
        gate -> {
          GateConstants fitted = version.gate();
          return new TaskGaussian(
              version.statistics(),
              new GateConstants(gate, fitted.meanLogDensity(), fitted.stdLogDensity()));
        });
  }

  /** Where the task's images lie, whatever the gate. */
  TaskGaussian domain() {
    return serving().domain();
  }

  /** Tells the task's classes apart. */
  DiscriminantHead head() {
    return serving().head();
  }

  /** The task as a server has it. */
  private ActiveTask serving() {
    ActiveTask made = serving;
    if (made == null) {
      made = ActiveTask.of(TaskVersionFile.versionId(TaskVersionFile.write(version)), version);
      serving = made;
    }
    return made;
  }

  /** Log-densities of a test set under the Gaussian, computed once; not to be changed. */
  double[] logDensities(GateKind kind, EvalTask task, float[] frozen) {
    return logDensities.computeIfAbsent(
        kind + " " + task.place(),
        absent -> gaussian(kind).logDensities(frozen, 0, task.test().size()));
  }

  /** Cosine of features of length 1 and the mean of the task's training features. */
  double keySimilarity(float[] features, int offset) {
    double[] direction = key;
    if (direction == null) {
      direction = version.statistics().mean();
      double squares = 0;
      for (double value : direction) {
        squares += value * value;
      }
      double length = Math.sqrt(squares);
      for (int e = 0; e < direction.length; e++) {
        direction[e] = length > 0 ? direction[e] / length : 0;
      }
      key = direction;
    }
    double sum = 0;
    for (int e = 0; e < direction.length; e++) {
      sum += direction[e] * features[offset + e];
    }
    return sum;
  }
}
