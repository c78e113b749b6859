package dev.perennial.server.task;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;

/** Reads files from the store and sees whether they fit this server's model. Immutable. */
record VersionLoader(TaskStore store, String backboneFingerprint, int embedDim) {
  /** Throws DATA_LOSS, NOT_FOUND. */
  TaskVersion load(String task, String versionId) {
    return checked(task, versionId, TaskVersionFile.read(store.getVersion(versionId)));
  }

  /** The same of a contribution. */
  Contribution loadContribution(String task, String contributionId) {
    return checked(task, contributionId, ContributionFile.read(store.getVersion(contributionId)));
  }

  private static <T extends PoolFile> T checked(String task, String id, T file) {
    if (!file.task().equals(task)) {
      throw new ServingException(
          ErrorCode.DATA_LOSS,
          "VERSION_DAMAGED",
          "task of file " + id + ": " + file.task() + " (expected: " + task + ")");
    }
    return file;
  }

  /** Throws FAILED_PRECONDITION. */
  void requireFits(PoolFile version) {
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
