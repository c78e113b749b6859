package dev.perennial.client;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;

/** Protobuf's time types as Java's. */
final class Messages {
  private Messages() {}

  static Instant instant(Timestamp message) {
    return Instant.ofEpochSecond(message.getSeconds(), message.getNanos());
  }

  static Duration duration(com.google.protobuf.Duration message) {
    return Duration.ofSeconds(message.getSeconds(), message.getNanos());
  }
}
