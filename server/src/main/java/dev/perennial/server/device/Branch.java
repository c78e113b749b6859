package dev.perennial.server.device;

/**
 * A branch at a weight, as images and texts pass through it: what features depend on beside their
 * input.
 *
 * @param versionId of the task version; {@link ServedPool#FROZEN_VERSION} for the frozen network
 * @param gateWeight w in [0, 1]; 0 for the frozen network
 */
record Branch(String versionId, float gateWeight) {
  /** The frozen network. */
  static final Branch FROZEN = new Branch(ServedPool.FROZEN_VERSION, 0);
}
