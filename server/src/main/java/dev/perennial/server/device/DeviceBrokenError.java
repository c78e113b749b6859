package dev.perennial.server.device;

/**
 * A device that computes no more: after a failure not even a blank image goes through. A CUDA
 * context that met an illegal access is so until its process ends. Ends the device's thread.
 */
final class DeviceBrokenError extends Error {
  private static final long serialVersionUID = 1L;

  DeviceBrokenError(Throwable cause) {
    super("a blank image fails, too (expected: a device that computes)", cause);
  }
}
