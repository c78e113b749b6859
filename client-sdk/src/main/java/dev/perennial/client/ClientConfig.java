package dev.perennial.client;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Bounds of one client, checked.
 *
 * @param deadline of each unary call, retries included
 * @param streamDeadline of each stream, upload and watch as a whole
 * @param maxMessageSize bytes, both ways
 * @param closeGrace how long closing waits for calls in flight
 * @param resumePatience how long a broken upload or watch is taken up again without hearing
 *     anything
 * @param hedgeAfter when a slow inference call is asked of a second member, too; null for never
 */
record ClientConfig(
    Duration deadline,
    Duration streamDeadline,
    int maxMessageSize,
    Duration closeGrace,
    Duration resumePatience,
    @Nullable Duration hedgeAfter) {

  static final ClientConfig DEFAULTS =
      new ClientConfig(
          Duration.ofSeconds(30),
          Duration.ofHours(24),
          16 << 20,
          Duration.ofSeconds(5),
          Duration.ofMinutes(2),
          null);

  ClientConfig {
    positive("deadline", deadline);
    positive("stream deadline", streamDeadline);
    positive("resume patience", resumePatience);
    if (hedgeAfter != null) {
      positive("hedge after", hedgeAfter);
    }
    if (closeGrace.isNegative()) {
      throw new IllegalArgumentException("close grace: " + closeGrace + " (expected: 0 or more)");
    }
    if (maxMessageSize < 1024) {
      throw new IllegalArgumentException(
          "max message size: " + maxMessageSize + " (expected: 1024 bytes or more)");
    }
  }

  ClientConfig withDeadline(Duration deadline) {
    return new ClientConfig(
        deadline, streamDeadline, maxMessageSize, closeGrace, resumePatience, hedgeAfter);
  }

  ClientConfig withStreamDeadline(Duration streamDeadline) {
    return new ClientConfig(
        deadline, streamDeadline, maxMessageSize, closeGrace, resumePatience, hedgeAfter);
  }

  ClientConfig withMaxMessageSize(int maxMessageSize) {
    return new ClientConfig(
        deadline, streamDeadline, maxMessageSize, closeGrace, resumePatience, hedgeAfter);
  }

  ClientConfig withCloseGrace(Duration closeGrace) {
    return new ClientConfig(
        deadline, streamDeadline, maxMessageSize, closeGrace, resumePatience, hedgeAfter);
  }

  ClientConfig withResumePatience(Duration resumePatience) {
    return new ClientConfig(
        deadline, streamDeadline, maxMessageSize, closeGrace, resumePatience, hedgeAfter);
  }

  ClientConfig withHedgeAfter(Duration hedgeAfter) {
    return new ClientConfig(
        deadline, streamDeadline, maxMessageSize, closeGrace, resumePatience, hedgeAfter);
  }

  private static void positive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: more than 0)");
    }
  }
}
