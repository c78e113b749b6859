package dev.perennial.server.device;

import dev.perennial.server.task.PoolSnapshot;
import java.util.HashMap;
import java.util.Map;

/**
 * The snapshot that a worker serves, with the slots of its versions. Immutable.
 *
 * @param slots per version id its slot
 */
record ServedPool(PoolSnapshot snapshot, Map<String, Integer> slots) {
  /** Stands for a version id where the frozen network answers. */
  static final String FROZEN_VERSION = "";

  static ServedPool of(PoolSnapshot snapshot) {
    Map<String, Integer> slots = new HashMap<>();
    for (int slot = 0; slot < snapshot.tasks().size(); slot++) {
      slots.put(snapshot.tasks().get(slot).versionId(), slot);
    }
    return new ServedPool(snapshot, Map.copyOf(slots));
  }

  long epoch() {
    return snapshot.epoch();
  }

  /** The slot of a version; 0, which then means nothing, for the frozen network. */
  int slot(String versionId) {
    if (versionId.equals(FROZEN_VERSION)) {
      return 0;
    }
    Integer slot = slots.get(versionId);
    if (slot == null) {
      throw new IllegalStateException("version: " + versionId + " (expected: one that is served)");
    }
    return slot;
  }
}
