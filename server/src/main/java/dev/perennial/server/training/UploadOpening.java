package dev.perennial.server.training;

/** What a spec leads to. */
public sealed interface UploadOpening {
  /** Examples can be sent. */
  record Open(Upload upload) implements UploadOpening {}

  /** The request has made this job already. */
  record Made(TrainingJob job) implements UploadOpening {}
}
