package dev.perennial.server.training;

import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.task.PrefixShape;
import java.util.List;

/**
 * What a job learns, and how; every default filled in.
 *
 * @param classNames empty: the labels of the examples, sorted
 * @param requestId never trains twice
 */
public record TrainingSpec(
    String task,
    List<String> classNames,
    String template,
    String requestId,
    Recipe recipe,
    GateKind gate,
    long seed,
    PrefixShape shape,
    int epochs,
    int batchSize,
    float learningRate,
    float validationShare) {

  /** How the branch is trained. */
  public enum Recipe {
    ROBUST,
    OFFICIAL
  }
}
