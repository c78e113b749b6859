package dev.perennial.server.scoring;

import dev.perennial.server.error.ServingException;

/**
 * How probabilities are made of what the network says.
 *
 * @param unlearntBias b of {@link UnionScoring}; finite; without meaning for DIKI
 */
public record ScoringRule(Kind kind, double unlearntBias) {
  /** The rule. */
  public enum Kind {
    /** Ours: {@link UnionScoring}. */
    UNION,
    /** The article's: one softmax over the texts under the image's task and weight. */
    DIKI
  }

  /** The default. */
  public static final ScoringRule UNION = new ScoringRule(Kind.UNION, UnionScoring.DEFAULT_BIAS);

  /** The article's rule. */
  public static final ScoringRule DIKI = new ScoringRule(Kind.DIKI, UnionScoring.DEFAULT_BIAS);

  /** Throws INVALID_ARGUMENT where the bias is not finite. */
  public ScoringRule {
    if (!Double.isFinite(unlearntBias)) {
      throw ServingException.invalid(
          "BAD_BIAS", "unlearnt_bias", "unlearnt bias: " + unlearntBias + " (expected: finite)");
    }
  }
}
