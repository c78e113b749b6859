package dev.perennial.server.device;

import java.util.concurrent.CompletableFuture;

/** One device and its thread. */
public interface DeviceWorker {
  /** {@code cpu}, {@code cuda:0}. */
  String device();

  /**
   * Runs a step when the training share allows it; steps run in the order given. Fails with
   * UNAVAILABLE once the worker is closed.
   */
  <T> CompletableFuture<T> step(DeviceStep<T> step);
}
