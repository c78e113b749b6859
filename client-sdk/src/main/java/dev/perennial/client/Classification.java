package dev.perennial.client;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an image shows, and how that was decided. Immutable.
 *
 * @param scores most probable first
 * @param routing the task and weight that the answer was computed with; null while the server knows
 *     no task
 * @param epoch the pool's epoch that the whole answer was computed under
 * @param unknownWords labels with words that the model never saw: their scores mean little
 * @param evidence why, under {@link Labels.Scoring#UNION}; null under DIKI's scoring and while no
 *     task has a say
 */
public record Classification(
    List<LabelScore> scores,
    @Nullable Routing routing,
    long epoch,
    List<UnknownWords> unknownWords,
    @Nullable Evidence evidence) {

  public Classification {
    scores = List.copyOf(scores);
    unknownWords = List.copyOf(unknownWords);
  }

  /** The most probable label. */
  public LabelScore best() {
    return scores.get(0);
  }

  /**
   * A label and its probability.
   *
   * @param probability in [0, 1]; over all labels of the set these sum to 1
   * @param logit a number whose softmax over all labels is their probabilities
   * @param labelIndex its place in the caller's list
   */
  public record LabelScore(String label, float probability, float logit, int labelIndex) {}

  /**
   * The task that the image was given to.
   *
   * @param gateWeight the residual branch's weight for this image, in [0, 1]
   * @param logDensity of the frozen image features under the task's Gaussian
   * @param z logDensity against the task's own images; a low value marks an unknown domain
   */
  public record Routing(
      String task, String versionId, float gateWeight, double logDensity, double z) {}

  /**
   * How the probabilities of union scoring came about.
   *
   * @param gate how far the image belongs to a learnt domain, in [0, 1]
   * @param none the probability that it is of no learnt domain: "none of these"
   * @param tasks those that answered, most probable first
   */
  public record Evidence(double gate, double none, List<TaskEvidence> tasks) {
    public Evidence {
      tasks = List.copyOf(tasks);
    }
  }

  /**
   * One task's part in an answer.
   *
   * @param posterior the probability that the image is of this task's domain, among the tasks
   * @param known the probability that it shows one of the task's classes and no unlearnt label
   */
  public record TaskEvidence(String task, String versionId, double posterior, double known) {}

  /** A label's words that are outside the model's vocabulary. */
  public record UnknownWords(String label, List<String> words) {
    public UnknownWords {
      words = List.copyOf(words);
    }
  }

  static Classification of(dev.perennial.v1.Classification message) {
    return new Classification(
        message.getScoresList().stream()
            .map(
                score ->
                    new LabelScore(
                        score.getLabel(),
                        score.getProbability(),
                        score.getLogit(),
                        score.getLabelIndex()))
            .toList(),
        message.hasRouting() ? routing(message.getRouting()) : null,
        message.getEpoch(),
        message.getUnknownWordsList().stream()
            .map(unknown -> new UnknownWords(unknown.getLabel(), unknown.getWordsList()))
            .toList(),
        message.hasUnionEvidence() ? evidence(message.getUnionEvidence()) : null);
  }

  private static Evidence evidence(dev.perennial.v1.UnionEvidence message) {
    return new Evidence(
        message.getGate(),
        message.getNone(),
        message.getTasksList().stream()
            .map(
                task ->
                    new TaskEvidence(
                        task.getTask(), task.getVersionId(), task.getPosterior(), task.getKnown()))
            .toList());
  }

  private static Routing routing(dev.perennial.v1.Routing message) {
    return new Routing(
        message.getTask(),
        message.getVersionId(),
        message.getGateWeight(),
        message.getLogDensity(),
        message.getZ());
  }
}
