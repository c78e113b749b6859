package dev.perennial.server.grpc;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Settings of the wire.
 *
 * @param host address to listen on
 * @param port 0 picks a free one
 * @param eventLoops server instances on the one port; a connection belongs to one of them
 * @param maxMessageBytes larger messages are refused, before and after decompression
 * @param maxStreamsPerConnection calls that one connection may have open
 * @param maxInFlightPerStream requests of one stream that are read but not yet answered
 * @param maxInFlightBytesPerStream the same in bytes; one message more is always let in
 * @param decodeThreads threads that decode and resize images
 * @param maxDecodeQueueSize images of all streams that wait for such a thread
 * @param maxDecodeQueueBytes the same in bytes
 * @param maxCallDuration deadline of calls that bring none or a later one; zero for none. Watches
 *     and Train are exempt.
 * @param drainTimeout how long running calls may take to finish once the server stops
 * @param tls null for plain text
 * @param tokenFile bearer tokens, one a line; null lets everybody in
 */
public record GrpcConfig(
    String host,
    int port,
    int eventLoops,
    int maxMessageBytes,
    int maxStreamsPerConnection,
    int maxInFlightPerStream,
    long maxInFlightBytesPerStream,
    int decodeThreads,
    int maxDecodeQueueSize,
    long maxDecodeQueueBytes,
    Duration maxCallDuration,
    Duration drainTimeout,
    @Nullable Tls tls,
    @Nullable Path tokenFile) {

  /** A PEM certificate chain and its PKCS #8 key. */
  public record Tls(Path certificate, Path key) {}

  public static final GrpcConfig DEFAULT =
      new GrpcConfig(
          "127.0.0.1",
          9090,
          Math.max(1, Math.min(4, Runtime.getRuntime().availableProcessors() / 2)),
          16 << 20,
          256,
          64,
          32L << 20,
          Runtime.getRuntime().availableProcessors(),
          4_096,
          256L << 20,
          Duration.ZERO,
          Duration.ofSeconds(10),
          null,
          null);

  public GrpcConfig {
    check("port", port, 0, 65_535);
    check("event loops", eventLoops, 1, 1_024);
    check("max message bytes", maxMessageBytes, 1_024, 1 << 30);
    check("max streams per connection", maxStreamsPerConnection, 1, 1_000_000);
    check("max in flight per stream", maxInFlightPerStream, 1, 65_536);
    check("max in flight bytes per stream", maxInFlightBytesPerStream, 1, 1L << 40);
    check("decode threads", decodeThreads, 1, 1_024);
    check("max decode queue size", maxDecodeQueueSize, 1, 1 << 20);
    check("max decode queue bytes", maxDecodeQueueBytes, maxMessageBytes, 1L << 40);
    checkNotNegative("max call duration", maxCallDuration);
    checkNotNegative("drain timeout", drainTimeout);
  }

  /** The same on another address. */
  public GrpcConfig at(String newHost, int newPort) {
    return new GrpcConfig(
        newHost,
        newPort,
        eventLoops,
        maxMessageBytes,
        maxStreamsPerConnection,
        maxInFlightPerStream,
        maxInFlightBytesPerStream,
        decodeThreads,
        maxDecodeQueueSize,
        maxDecodeQueueBytes,
        maxCallDuration,
        drainTimeout,
        tls,
        tokenFile);
  }

  private static void check(String name, long value, long min, long max) {
    if (value < min || value > max) {
      throw refused(name + ": " + value + " (expected: " + min + ".." + max + ")");
    }
  }

  private static void checkNotNegative(String name, Duration value) {
    if (value.isNegative()) {
      throw refused(name + ": " + value + " (expected: not negative)");
    }
  }

  private static ServingException refused(String message) {
    return new ServingException(ErrorCode.INVALID_ARGUMENT, "BAD_SETTING", message);
  }
}
