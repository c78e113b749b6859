package dev.perennial.server.clip;

/** What the towers compute in. Weights and learned prefixes are kept in float32 by their owners. */
public enum Precision {
  FP32,
  BF16
}
