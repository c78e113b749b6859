package dev.perennial.server.grpc;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import io.vertx.grpc.common.GrpcMessage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.zip.GZIPInputStream;

/** The bytes of a message as they were before its sender compressed them, bounded. */
final class Payload {
  private Payload() {}

  static byte[] bytes(GrpcMessage message, int maxBytes) {
    byte[] bytes = message.payload().getBytes();
    String encoding = message.encoding();
    return switch (encoding) {
      case "identity" -> bytes;
      case "gzip" -> unzip(bytes, maxBytes);
      default ->
          throw new ServingException(
              ErrorCode.INVALID_ARGUMENT,
              "UNKNOWN_ENCODING",
              "grpc-encoding: " + encoding + " (expected: identity or gzip)");
    };
  }

  static ServingException tooLarge(String size, int maxBytes) {
    return new ServingException(
        ErrorCode.RESOURCE_EXHAUSTED,
        "MESSAGE_TOO_LARGE",
        "message: " + size + " (expected: at most " + maxBytes + " bytes)");
  }

  private static byte[] unzip(byte[] bytes, int maxBytes) {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
      byte[] unzipped = in.readNBytes(maxBytes + 1);
      if (unzipped.length > maxBytes) {
        throw tooLarge("more than " + maxBytes + " bytes when unzipped", maxBytes);
      }
      return unzipped;
    } catch (IOException e) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE", "message: not gzip", e);
    }
  }
}
