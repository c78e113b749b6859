package dev.perennial.server.grpc;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.v1.Scoring;

/** A request's choice of scoring, checked. Immutable. */
final class Scorings {
  private final ScoringRule serversOwn;

  Scorings(ScoringRule serversOwn) {
    this.serversOwn = serversOwn;
  }

  /** The rule; throws INVALID_ARGUMENT that names the field. */
  ScoringRule rule(Scoring scoring, boolean hasBias, float bias) {
    ScoringRule.Kind kind =
        switch (scoring) {
          case SCORING_UNSPECIFIED -> serversOwn.kind();
          case SCORING_UNION -> ScoringRule.Kind.UNION;
          case SCORING_DIKI -> ScoringRule.Kind.DIKI;
          case UNRECOGNIZED ->
              throw ServingException.invalid(
                  "BAD_SCORING", "scoring", "scoring: unknown (expected: a value of Scoring)");
        };
    return new ScoringRule(kind, hasBias ? bias : serversOwn.unlearntBias());
  }
}
