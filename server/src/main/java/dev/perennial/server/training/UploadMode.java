package dev.perennial.server.training;

/** How an upload begins, and what becomes of it when its stream breaks. */
public enum UploadMode {
  /** It is thrown away. */
  ONE_STREAM,
  /** It is kept for a while. */
  KEPT,
  /** The same, and it begins where an earlier upload of its request has ended. */
  RESUMED
}
