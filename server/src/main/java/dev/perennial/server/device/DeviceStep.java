package dev.perennial.server.device;

import dev.perennial.server.clip.ClipModel;

/**
 * A short piece of work on a device's thread, between two serving batches: one training step, say.
 */
@FunctionalInterface
public interface DeviceStep<T> {
  T run(ClipModel model);
}
