package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The text features of a label set's P prompts over one segment of the grid, and how images are
 * scored against them. Immutable once handed out; safe for any thread.
 *
 * <p>With a and b a prompt's features at the segment's two ends and t the share between them, the
 * prompt's features are normalise((1-t) a + t b), and its logit is scale * f . that. The
 * interpolated features are never made: f . ((1-t) a + t b) = (1-t) f.a + t f.b, and since a and b
 * have length 1, the squared norm is (1-t)^2 + t^2 + 2 t (1-t) a.b, with a.b computed once.
 *
 * <p>Features are stored (E, P), prompts innermost: then the innermost loop adds arrays, which the
 * compiler vectorises, where a dot product would be a chain of additions.
 */
public final class LabelFeatures {
  private final LabelSet labels;
  private final int embedDim;
  private final int prompts;
  private final float[] low; // (E, P)
  private final float @Nullable [] high; // (E, P); null where the segment is one point
  private final float[] lowDotHigh; // (P); empty where the segment is one point

  /**
   * Takes the arrays over.
   *
   * @param low (E, P) at the segment's lower end
   * @param high (E, P) at its upper end; null where the segment is one point
   */
  public LabelFeatures(LabelSet labels, int embedDim, float[] low, float @Nullable [] high) {
    this.labels = labels;
    this.embedDim = embedDim;
    this.prompts = labels.prompts().size();
    this.low = low;
    this.high = high;
    this.lowDotHigh = high == null ? new float[0] : columnDots(low, high, prompts);
  }

  /** Probabilities and logits per label. */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record Scores(float[] probabilities, float[] logits) {}

  LabelSet labels() {
    return labels;
  }

  /** Bytes that it keeps alive, for a bound. */
  public static long bytes(LabelSet labels, int embedDim, boolean onePoint) {
    long prompts = labels.prompts().size();
    long perPrompt = 256 + (long) Float.BYTES * (onePoint ? embedDim : 2L * embedDim + 1);
    return prompts * perPrompt;
  }

  /** Scores one image's L2-normalised features (E). */
  public Scores score(float[] features, float share, float logitScale) {
    float[] logits = dots(features, low);
    if (high == null) {
      for (int p = 0; p < prompts; p++) {
        logits[p] *= logitScale;
      }
    } else {
      float[] highDots = dots(features, high);
      float rest = 1 - share;
      for (int p = 0; p < prompts; p++) {
        float squared = rest * rest + share * share + 2 * share * rest * lowDotHigh[p];
        float dot = rest * logits[p] + share * highDots[p];
        logits[p] = logitScale * dot / (float) Math.sqrt(squared);
      }
    }
    return softmax(logits);
  }

  /** features (E) times matrix (E, P): (P). */
  private float[] dots(float[] features, float[] matrix) {
    float[] sums = new float[prompts];
    int e = 0;
    for (; e + 3 < embedDim; e += 4) {
      addFour(sums, matrix, e * prompts, features, e);
    }
    for (; e < embedDim; e++) {
      float f = features[e];
      for (int p = 0, at = e * prompts; p < prompts; p++) {
        sums[p] += f * matrix[at + p];
      }
    }
    return sums;
  }

  private void addFour(float[] sums, float[] matrix, int at, float[] features, int e) {
    float f0 = features[e];
    float f1 = features[e + 1];
    float f2 = features[e + 2];
    float f3 = features[e + 3];
    int at1 = at + prompts;
    int at2 = at1 + prompts;
    int at3 = at2 + prompts;
    for (int p = 0; p < prompts; p++) {
      sums[p] +=
          f0 * matrix[at + p] + f1 * matrix[at1 + p] + f2 * matrix[at2 + p] + f3 * matrix[at3 + p];
    }
  }

  /** A label's probability is the sum over its prompts, its logit their log-sum-exp. */
  private Scores softmax(float[] promptLogits) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : promptLogits) {
      max = Math.max(max, logit);
    }
    int count = labels.labels().size();
    double[] sums = new double[count];
    double total = 0;
    for (int p = 0; p < prompts; p++) {
      double exponential = Math.exp(promptLogits[p] - max);
      sums[labels.prompts().get(p).label()] += exponential;
      total += exponential;
    }
    if (!(total > 0 && total < Double.POSITIVE_INFINITY)) {
      throw new ArithmeticException("sum of exponentials: " + total + " (expected: finite)");
    }
    float[] probabilities = new float[count];
    float[] logits = new float[count];
    for (int k = 0; k < count; k++) {
      probabilities[k] = (float) (sums[k] / total);
    }
    if (count == prompts) {
      // One prompt a label: its logit as it is, also where the exponential underflows.
      for (int p = 0; p < prompts; p++) {
        logits[labels.prompts().get(p).label()] = promptLogits[p];
      }
    } else {
      logSumExp(promptLogits, logits);
    }
    return new Scores(probabilities, logits);
  }

  private void logSumExp(float[] promptLogits, float[] logits) {
    double[] max = new double[logits.length];
    double[] sums = new double[logits.length];
    Arrays.fill(max, Double.NEGATIVE_INFINITY);
    for (int p = 0; p < prompts; p++) {
      int k = labels.prompts().get(p).label();
      max[k] = Math.max(max[k], promptLogits[p]);
    }
    for (int p = 0; p < prompts; p++) {
      int k = labels.prompts().get(p).label();
      sums[k] += Math.exp(promptLogits[p] - max[k]);
    }
    for (int k = 0; k < logits.length; k++) {
      logits[k] = (float) (max[k] + Math.log(sums[k]));
    }
  }

  private static float[] columnDots(float[] a, float[] b, int columns) {
    float[] dots = new float[columns];
    for (int i = 0; i < a.length; i += columns) {
      for (int p = 0; p < columns; p++) {
        dots[p] += a[i + p] * b[i + p];
      }
    }
    return dots;
  }
}
