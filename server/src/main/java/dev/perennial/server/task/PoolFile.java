package dev.perennial.server.task;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.safetensors.Safetensors;
import java.nio.ByteBuffer;

/** What a pool keeps as an immutable file that is named by its SHA-256. */
public sealed interface PoolFile permits TaskVersion, Contribution {
  /** The task that it belongs to. */
  String task();

  FeatureStatistics statistics();

  /** SHA-256 over the weights of the model that it was made with. */
  String backboneFingerprint();

  /** Reads either kind; throws DATA_LOSS where the bytes are neither. */
  static PoolFile read(ByteBuffer bytes) {
    Safetensors file;
    try {
      file = Safetensors.parse(bytes.duplicate());
    } catch (ServingException e) {
      throw new ServingException(
          ErrorCode.DATA_LOSS, "VERSION_DAMAGED", "task file, " + e.getMessage(), e);
    }
    return ContributionFile.isOne(file)
        ? ContributionFile.read(bytes)
        : TaskVersionFile.read(bytes);
  }
}
