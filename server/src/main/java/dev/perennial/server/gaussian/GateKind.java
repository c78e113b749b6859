package dev.perennial.server.gaussian;

/** How a log-density becomes the residual branch's weight. */
public enum GateKind {
  /** DIKI, equation 9 and the official code: sigmoid(logp / d - 1). */
  PAPER,
  /** Ours: sigmoid(2 (z + 4)), z from cross-fitted log-densities. */
  ROBUST
}
