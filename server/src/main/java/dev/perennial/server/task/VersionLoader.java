package dev.perennial.server.task;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;

/** Reads versions from the store and sees whether they fit this server's model. Immutable. */
record VersionLoader(TaskStore store, String backboneFingerprint, int embedDim) {
  /** Throws DATA_LOSS, NOT_FOUND. */
  TaskVersion load(String task, String versionId) {
    TaskVersion version = TaskVersionFile.read(store.getVersion(versionId));
    if (!version.task().equals(task)) {
      throw new ServingException(
          ErrorCode.DATA_LOSS,
          "VERSION_DAMAGED",
          "task of version " + versionId + ": " + version.task() + " (expected: " + task + ")");
    }
    return version;
  }

  /** Throws FAILED_PRECONDITION. */
  void requireFits(TaskVersion version) {
    if (!version.backboneFingerprint().equals(backboneFingerprint)) {
      throw mismatch(
          "backbone of task " + version.task(), version.backboneFingerprint(), backboneFingerprint);
    }
    int dimension = version.statistics().dimension();
    if (dimension != embedDim) {
      throw mismatch("embed dim of task " + version.task(), dimension, embedDim);
    }
  }

  private static ServingException mismatch(String what, Object value, Object expected) {
    return new ServingException(
        ErrorCode.FAILED_PRECONDITION,
        "BACKBONE_MISMATCH",
        what + ": " + value + " (expected: " + expected + ")");
  }
}
