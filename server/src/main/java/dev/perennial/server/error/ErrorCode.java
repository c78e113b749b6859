package dev.perennial.server.error;

/** What kind of failure this is, seen from the caller. */
public enum ErrorCode {
  /** The request is wrong and will stay wrong. */
  INVALID_ARGUMENT,
  /** A named thing does not exist. */
  NOT_FOUND,
  /** The caller did not show who it is. */
  UNAUTHENTICATED,
  /** The request is fine, but not in the state that the server is in. */
  FAILED_PRECONDITION,
  /** A bound is reached; try again later. */
  RESOURCE_EXHAUSTED,
  /** The caller's deadline passed before the work was done. */
  DEADLINE_EXCEEDED,
  /** The caller gave up. */
  CANCELLED,
  /** Nobody here can do it now: draining, no device, starting. */
  UNAVAILABLE,
  /** Stored bytes are damaged. */
  DATA_LOSS,
  /** Our fault. */
  INTERNAL
}
