package dev.perennial.server.scoring;

import dev.perennial.server.gaussian.LogSpace;
import java.util.List;

/**
 * The probabilities of a question's labels, learnt and unlearnt, from what the tasks and the frozen
 * network say of one image. Immutable; safe for any thread.
 *
 * <p>With C_t the labels that task t knows (K_t classes in all), U those that no task knows, s_t
 * the logits under task t's branch at w = 1, h its discriminant head's log-probabilities, g how far
 * the image belongs to a learnt domain, pi_t which of them:
 *
 * <pre>
 *   p_t(c) = softmax over C_t of (s_t + h) / temperature
 *   E_in   = log-sum-exp over C_t of (s_t + h) + log K_t + tau_t (log density_t - log Gaussian_t)
 *   E_out  = log-sum-exp over U of (s_t + b)
 *   q_t    = sigmoid(E_in - E_out);  1 where U is empty, 0 where C_t is
 *   P(l)   = (1 - g) zero-shot(l) + g sum_t pi_t (q_t p_t(l) + (1 - q_t) softmax_U(s_t)(l))
 * </pre>
 *
 * <p>A label that two tasks know is one answer, its probabilities added. The zero-shot part is the
 * caller's: over U for a question about everything known, since an image of no learnt domain shows
 * no learnt class; over the whole list for a list of the caller's own, whose words mean what they
 * say in any domain.
 */
public final class UnionScoring {
  /**
   * b: what an unlearnt label's logit gets before it competes with learnt classes. Larger finds
   * more unlearnt ones and loses learnt ones.
   */
  public static final double DEFAULT_BIAS = -2;

  /**
   * Branch and head have seen the same images, so their product is too sure of itself. The best
   * value for each task of mini-MTIL, on training images of other seeds, is between 1.2 and 1.8.
   */
  public static final double DEFAULT_TEMPERATURE = 1.5;

  private final double bias;
  private final double temperature;

  /**
   * With a bias of one's own.
   *
   * @param bias finite
   */
  public UnionScoring(double bias) {
    this(bias, DEFAULT_TEMPERATURE);
  }

  /**
   * With another temperature too; for measurements.
   *
   * @param temperature above 0
   */
  public UnionScoring(double bias, double temperature) {
    this.bias = bias;
    this.temperature = temperature;
  }

  /**
   * What one task says of the image.
   *
   * @param posterior pi_t
   * @param evidence tau_t (log density_t - log Gaussian_t)
   * @param logits s_t of the task's K_t classes, in its template
   * @param logProbabilities h of the same
   * @param placeOfClass their places among the labels, or {@link LabelOwners#ABSENT}
   * @param unlearntLogits s_t of U, in its order
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record TaskView(
      double posterior,
      double evidence,
      float[] logits,
      double[] logProbabilities,
      int[] placeOfClass,
      double[] unlearntLogits) {}

  /**
   * An image's answer.
   *
   * @param probabilities per label; they sum to 1
   * @param known per task q_t
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record Answer(double[] probabilities, double[] known) {}

  /**
   * The labels' probabilities and the tasks' q.
   *
   * @param unlearnt the places of U
   * @param gate g
   * @param zeroShot per label its probability under the frozen network; read where g is below 1
   */
  public Answer answer(int[] unlearnt, double gate, double[] zeroShot, List<TaskView> tasks) {
    double[] probabilities = new double[zeroShot.length];
    for (int place = 0; place < zeroShot.length; place++) {
      probabilities[place] = (1 - gate) * zeroShot[place];
    }
    double[] known = new double[tasks.size()];
    for (int t = 0; t < known.length; t++) {
      known[t] = add(tasks.get(t), unlearnt, gate, probabilities);
    }
    return new Answer(probabilities, known);
  }

  /** Adds the task's part to the probabilities; returns q_t. */
  private double add(TaskView task, int[] unlearnt, double gate, double[] probabilities) {
    double[] own = ownLogits(task);
    double share = gate * task.posterior();
    double odds = odds(own, task);
    double known = DomainGate.sigmoid(odds);
    double[] classes = LogSpace.logSoftmax(scaled(own, 1 / temperature));
    for (int c = 0; c < own.length; c++) {
      if (task.placeOfClass()[c] != LabelOwners.ABSENT) {
        probabilities[task.placeOfClass()[c]] += share * known * Math.exp(classes[c]);
      }
    }
    double unknown = DomainGate.sigmoid(-odds);
    double[] others = LogSpace.logSoftmax(task.unlearntLogits());
    for (int u = 0; u < unlearnt.length; u++) {
      probabilities[unlearnt[u]] += share * unknown * Math.exp(others[u]);
    }
    return known;
  }

  /** s_t + h; minus infinity for a class that is not among the labels. */
  private static double[] ownLogits(TaskView task) {
    double[] own = new double[task.logits().length];
    for (int c = 0; c < own.length; c++) {
      own[c] =
          task.placeOfClass()[c] == LabelOwners.ABSENT
              ? Double.NEGATIVE_INFINITY
              : task.logits()[c] + task.logProbabilities()[c];
    }
    return own;
  }

  /** E_in - E_out. */
  private double odds(double[] own, TaskView task) {
    double in = LogSpace.logSumExp(own);
    double out = LogSpace.logSumExp(task.unlearntLogits()) + bias;
    if (in == Double.NEGATIVE_INFINITY || out == Double.NEGATIVE_INFINITY) {
      return in > out ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
    }
    return in + Math.log(own.length) + task.evidence() - out;
  }

  private static double[] scaled(double[] values, double factor) {
    double[] result = new double[values.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = factor * values[i];
    }
    return result;
  }
}
